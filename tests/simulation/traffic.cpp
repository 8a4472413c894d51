#include "tests/simulation/traffic.h"

#include <algorithm>
#include <vector>

namespace van::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kNumberBytes = 8;  ///< a client's first octets say which transfer this is

std::uint8_t octet_at(std::uint64_t transfer, int side, std::uint64_t offset) {
  if (side == 0 && offset < kNumberBytes) return static_cast<std::uint8_t>(transfer >> (8 * offset));
  std::uint64_t z = (transfer * 2 + static_cast<std::uint64_t>(side)) * 0x9E3779B97F4A7C15u + (offset >> 3) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 31)) * 0x94D049BB133111EBu;
  return static_cast<std::uint8_t>(z >> (8 * (offset & 7)));
}

std::uint64_t some_size(Rng& rng) {
  const std::uint64_t kind = rng.below(100);
  if (kind < 70) return kNumberBytes + rng.below(20'000);
  if (kind < 96) return kNumberBytes + rng.below(300'000);
  return kNumberBytes + rng.below(3'000'000);
}

}  // namespace

std::string Traffic::words(const Transfer& transfer) const {
  std::string text = "stream to " + transfer.address;
  for (const End& end : transfer.ends) {
    if (!end.exists) continue;
    text += (&end == transfer.ends.data() ? " from " : " at ") + world_.site(end.site).name + " (id " + std::to_string(end.stream.value) + ", sent " +
            std::to_string(end.sent) + " of " + std::to_string(end.to_send) + ", received " + std::to_string(end.received) + (end.gone ? ", gone)" : ")");
  }
  return text;
}

void Traffic::open(SiteIndex site, const std::string& address, bool must_succeed) {
  router::Router* router = world_.router(site);
  const router::ProducerId producer = services_.producer(site, address);
  if (router == nullptr || !producer || world_.site(site).asleep) return;
  std::uint64_t number = rng_.next();
  while (number == 0 || transfers_.contains(number)) number = rng_.next();
  Transfer& transfer = transfers_[number];
  transfer.number = number;
  transfer.address = address;
  transfer.must_succeed = must_succeed;
  transfer.slow_reader = !must_succeed && rng_.below(10) == 0;
  transfer.progress = world_.now();
  End& client = transfer.ends[0];
  client.site = site;
  client.exists = true;
  client.to_send = must_succeed ? kNumberBytes + rng_.below(5000) : some_size(rng_);
  transfer.ends[1].to_send = must_succeed ? rng_.below(5000) : some_size(rng_) - kNumberBytes;
  client.stream = router->open_stream(producer, world_.local_now(site));
  ends_[{site, client.stream}] = {number, 0};
  alive_[number] = true;
  ++running_;
  world_.touch(site);
  write(transfer, 0);
  if (!must_succeed && rng_.below(40) == 0) {  // an application that changes its mind
    world_.after(Duration{static_cast<std::int64_t>(rng_.below(3'000'000'000))}, [this, number] {
      Transfer& mine = transfers_[number];
      if (mine.over || mine.ends[0].gone) return;
      mine.may_fail = true;
      world_.router(mine.ends[0].site)->reset(mine.ends[0].stream, world_.local_now(mine.ends[0].site));
      world_.touch(mine.ends[0].site);
      end_gone(mine, 0, false);
    });
  }
}

void Traffic::on_event(SiteIndex site, const router::Event& event) {
  if (const auto* request = std::get_if<router::StreamRequested>(&event)) return requested(site, *request);
  if (const auto* failure = std::get_if<router::StreamFailed>(&event)) {
    const Place place{site, failure->stream};
    arrivals_.erase(place);
    const auto found = ends_.find(place);
    if (found == ends_.end()) return;
    Transfer& transfer = transfers_[found->second.first];
    const int side = found->second.second;
    world_.log().line(world_.now(), world_.site(site).name, "stream failed");
    if (transfer.must_succeed && !transfer.may_fail) {
      verdict_.broken("in a calm network a stream failed, for reason " + std::to_string(static_cast<int>(failure->why)) + ": " + words(transfer));
    }
    return end_gone(transfer, side, false);
  }
  const router::StreamId* stream = nullptr;
  if (const auto* opened = std::get_if<router::StreamOpened>(&event)) stream = &opened->stream;
  else if (const auto* readable = std::get_if<router::StreamReadable>(&event)) stream = &readable->stream;
  else if (const auto* writable = std::get_if<router::StreamWritable>(&event)) stream = &writable->stream;
  if (stream == nullptr) return;
  const Place place{site, *stream};
  if (const auto arrival = arrivals_.find(place); arrival != arrivals_.end()) {
    if (arrival->second.accepted) read_later(place, arrival->second.reading, false);
    return;
  }
  const auto found = ends_.find(place);
  if (found == ends_.end()) return;
  Transfer& transfer = transfers_[found->second.first];
  const int side = found->second.second;
  if (std::holds_alternative<router::StreamReadable>(event)) return read_later(place, transfer.ends[static_cast<std::size_t>(side)].reading, transfer.slow_reader);
  write(transfer, side);
}

void Traffic::on_stop(SiteIndex site) {
  std::erase_if(arrivals_, [&](const auto& entry) { return entry.first.first == site; });
  std::vector<std::pair<std::uint64_t, int>> gone;
  for (const auto& [place, end] : ends_) {
    if (place.first == site) gone.push_back(end);
  }
  for (const auto& [number, side] : gone) end_gone(transfers_[number], side, false);
}

// ---- Providers ----

void Traffic::requested(SiteIndex site, const router::StreamRequested& request) {
  Arrival arrival{.consumer = request.consumer, .address = services_.address_of(site, request.consumer), .since = world_.now(), .head = {}};
  if (arrival.address.empty()) return verdict_.broken("a stream came to " + world_.site(site).name + " for a consumer that it never had");
  const Place place{site, request.stream};
  arrivals_[place] = std::move(arrival);
  world_.after(Duration{static_cast<std::int64_t>(rng_.below(20'000'000))}, [this, place] { answer(place); });
}

void Traffic::answer(Place place) {
  const auto found = arrivals_.find(place);
  if (found == arrivals_.end()) return;
  const auto [site, stream] = place;
  router::Router& router = *world_.router(site);
  // The exposure may have been withdrawn since: as the program does, its target is not connected to any more.
  if (!services_.exposed(site, found->second.consumer)) {
    router.refuse_stream(stream, world_.local_now(site));
    arrivals_.erase(found);
  } else {
    found->second.accepted = true;
    router.accept_stream(stream, world_.local_now(site));
  }
  world_.touch(site);
}

void Traffic::identify(Place place) {
  const auto found = arrivals_.find(place);
  const auto [site, stream] = place;
  router::Router& router = *world_.router(site);
  SliceQueue* readable = router.readable(stream);
  if (readable == nullptr) return;
  const bool ended = router.finished(stream);
  if (readable->bytes() < kNumberBytes && !ended) return;
  const Bytes head = readable->peek(kNumberBytes);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < head.size(); ++i) number |= std::uint64_t{head[i]} << (8 * i);
  const auto known = transfers_.find(number);
  const std::string address = found->second.address;
  arrivals_.erase(found);
  if (head.size() < kNumberBytes || known == transfers_.end()) {
    if (!strangers_) verdict_.broken("a stream that nobody opened came to " + address + " at " + world_.site(site).name);
    router.reset(stream, world_.local_now(site));
    world_.touch(site);
    return;
  }
  Transfer& transfer = known->second;
  End& end = transfer.ends[1];
  if (transfer.address != address) return verdict_.broken(words(transfer) + " came to " + address + " at " + world_.site(site).name);
  if (end.exists) return verdict_.broken(words(transfer) + " came to a second provider at " + world_.site(site).name);
  end.exists = true;
  end.site = site;
  end.stream = stream;
  ends_[place] = {number, 1};
  transfer.progress = world_.now();
  if (transfer.over) {  // the client has gone meanwhile: this end hears of it, too
    transfer.over = false;
    alive_[number] = true;
    ++running_;
  }
  write(transfer, 1);
  read_end(transfer, 1);
}

// ---- Octets ----

void Traffic::read_later(Place place, bool& reading, bool slow) {
  if (std::exchange(reading, true)) return;
  const std::uint64_t wait = slow ? rng_.below(400'000'000) : rng_.below(5) == 0 ? rng_.below(20'000'000) : 0;
  world_.after(Duration{static_cast<std::int64_t>(wait)}, [this, place] { read(place); });
}

void Traffic::read(Place place) {
  if (const auto arrival = arrivals_.find(place); arrival != arrivals_.end()) {
    arrival->second.reading = false;
    return identify(place);
  }
  const auto found = ends_.find(place);
  if (found == ends_.end()) return;
  Transfer& transfer = transfers_[found->second.first];
  transfer.ends[static_cast<std::size_t>(found->second.second)].reading = false;
  read_end(transfer, found->second.second);
}

void Traffic::read_end(Transfer& transfer, int side) {
  End& end = transfer.ends[static_cast<std::size_t>(side)];
  if (end.gone) return;
  const Place place{end.site, end.stream};
  if (world_.site(end.site).asleep) {  // its process does not run
    end.reading = true;
    world_.after(1s, [this, place] { read(place); });
    return;
  }
  router::Router& router = *world_.router(end.site);
  SliceQueue* readable = router.readable(end.stream);
  if (readable == nullptr) return;
  std::size_t count = readable->bytes();
  if (transfer.slow_reader) count = std::min<std::size_t>(count, 1 + rng_.below(16'000));
  if (count > 0) {
    const Bytes octets = readable->peek(count);
    readable->consume(count);
    for (const std::uint8_t octet : octets) {
      if (octet != octet_at(transfer.number, 1 - side, end.received)) {
        return verdict_.broken("octet " + std::to_string(end.received) + " is not the one that was sent: " + words(transfer));
      }
      ++end.received;
    }
    octets_ += count;
    transfer.progress = world_.now();
    router.octets_taken(end.stream, count, world_.local_now(end.site));
    world_.touch(end.site);
  }
  readable = router.readable(end.stream);
  if (readable == nullptr) return;  // StreamFailed follows
  if (!readable->empty()) return read_later(place, end.reading, transfer.slow_reader);
  if (!router.finished(end.stream) || end.fin_passed_on) return;
  if (end.received != transfer.ends[static_cast<std::size_t>(1 - side)].to_send) return verdict_.broken("the end came before the last octet: " + words(transfer));
  end.fin_passed_on = true;
  router.fin_passed_on(end.stream, world_.local_now(end.site));
  world_.touch(end.site);
}

void Traffic::write(Transfer& transfer, int side) {
  End& end = transfer.ends[static_cast<std::size_t>(side)];
  if (end.gone || end.fin_sent) return;
  router::Router& router = *world_.router(end.site);
  while (end.sent < end.to_send) {
    const std::size_t room = router.writable(end.stream);
    if (room == 0) return;
    const std::size_t count = std::min<std::uint64_t>({room, end.to_send - end.sent, 1 + rng_.below(65'536)});
    Bytes octets(count);
    for (std::size_t i = 0; i < count; ++i) octets[i] = octet_at(transfer.number, side, end.sent + i);
    if (!router.write(end.stream, Slice::copy_of(octets), world_.local_now(end.site))) return;
    end.sent += count;
    transfer.progress = world_.now();
    world_.touch(end.site);
  }
  if (router.finish(end.stream, world_.local_now(end.site))) end.fin_sent = true;
  world_.touch(end.site);
}

// ---- Ends ----

void Traffic::end_gone(Transfer& transfer, int side, bool good) {
  End& end = transfer.ends[static_cast<std::size_t>(side)];
  if (end.gone) return;
  end.gone = true;
  end.gone_at = world_.now();
  if (!good) transfer.may_fail = true;
  ends_.erase({end.site, end.stream});
  finish_if_over(transfer);
}

void Traffic::finish_if_over(Transfer& transfer) {
  if (transfer.over) return;
  for (const End& end : transfer.ends) {
    if (end.exists && !end.gone) return;
  }
  transfer.over = true;
  alive_.erase(transfer.number);
  --running_;
  const bool whole = std::ranges::all_of(transfer.ends, [](const End& end) { return end.fin_sent && end.fin_passed_on; });
  if (whole) ++succeeded_;
  else ++failed_;
}

void Traffic::check_second() {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, alive] : alive_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) {
    Transfer& transfer = transfers_[number];
    for (const int side : {0, 1}) {
      End& end = transfer.ends[static_cast<std::size_t>(side)];
      const bool done = end.exists && !end.gone && end.fin_sent && end.fin_passed_on;
      if (done && world_.router(end.site)->readable(end.stream) == nullptr) end_gone(transfer, side, true);
    }
    if (transfer.over) continue;
    for (const int side : {0, 1}) {
      const End& end = transfer.ends[static_cast<std::size_t>(side)];
      if (end.gone && world_.now() - end.gone_at > kPatience) verdict_.broken("an end outlived the other one: " + words(transfer));
    }
    if (world_.now() - transfer.progress <= kPatience) continue;
    End& client = transfer.ends[0];
    if (!strangers_ || client.gone) {
      verdict_.broken("stands still: " + words(transfer));
    } else if (!world_.site(client.site).asleep) {  // swallowed by a liar: the application gives up
      world_.router(client.site)->reset(client.stream, world_.local_now(client.site));
      world_.touch(client.site);
      end_gone(transfer, 0, false);
    }
  }
  std::vector<Place> mute;
  for (const auto& [place, arrival] : arrivals_) {
    if (world_.now() - arrival.since > kPatience && !world_.site(place.first).asleep) mute.push_back(place);
  }
  for (const Place& place : mute) {
    if (!strangers_) verdict_.broken("a stream that says nothing does not end at " + world_.site(place.first).name);
    world_.router(place.first)->reset(place.second, world_.local_now(place.first));
    world_.touch(place.first);
    arrivals_.erase(place);
  }
}

void Traffic::reset_all() {
  for (const auto& [place, arrival] : std::map{arrivals_}) {
    world_.router(place.first)->reset(place.second, world_.local_now(place.first));
    world_.touch(place.first);
  }
  arrivals_.clear();
  const auto ends = ends_;
  for (const auto& [place, end] : ends) {
    world_.router(place.first)->reset(place.second, world_.local_now(place.first));
    world_.touch(place.first);
    end_gone(transfers_[end.first], end.second, false);
  }
}

}  // namespace van::simulation
