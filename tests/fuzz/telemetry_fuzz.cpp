// Telemetry: whatever message comes, as a beacon and as records, is taken within the limits; what was read of it survives being
// written and read again, and can be looked at.
#include <cstddef>
#include <cstdint>

#include "agent/network_map.h"
#include "agent/telemetry_collector.h"
#include "core/base/assert.h"
#include "core/base/limits.h"

using namespace van;
using namespace van::agent;

namespace {

void check_round_trip(const vanflow::Records& records) {
  const vanflow::Beacon self{"fuzzy:0", "mc/sfe.fuzzy:0", "sfe.fuzzy:0", false};
  const auto message = amqp::decode_message(amqp::encode_message(vanflow::record_message(self, records.records)));
  VAN_ASSERT(message);
  const auto again = vanflow::read_telegram(*message);
  VAN_ASSERT(again && std::get<vanflow::Records>(*again).records == records.records);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = amqp::decode_message({data, size});
  if (!message) return 0;
  const auto telegram = vanflow::read_telegram(*message);
  if (telegram && std::holds_alternative<vanflow::Records>(*telegram)) check_round_trip(std::get<vanflow::Records>(*telegram));

  TelemetryCollector collector{"ownid:0"};
  const TimePoint now{};
  collector.receive_beacon(*message, now);
  collector.receive_beacon(vanflow::beacon_message({"known:0", "mc/sfe.known:0", "sfe.known:0", false}), now);
  collector.receive("known:0", *message, now);
  for (const auto& [id, source] : collector.sources()) {
    VAN_ASSERT(source.records.size() <= limits::kTelemetryRecordsPerSource && source.bytes <= limits::kTelemetryBytes);
    VAN_ASSERT(source.beacon.address.starts_with("mc/sfe.") && source.beacon.direct.starts_with("sfe."));
  }
  const NetworkMap map = read_network(collector.sources(), "own", {{"near", 1}});
  for (const auto& [address, service] : map.services) VAN_ASSERT(!address.empty() && !service.providers.empty());
  collector.handle_deadline(now + std::chrono::minutes{1});
  VAN_ASSERT(collector.sources().empty());
  return 0;
}
