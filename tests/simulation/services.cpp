#include "tests/simulation/services.h"

namespace van::simulation {

void Services::expose(SiteIndex site, const std::string& address, std::uint32_t cost) {
  Place& place = places_[site];
  if (place.exposures.contains(address)) return;
  Exposure& exposure = place.exposures[address];
  exposure.cost = cost;
  router::Router* router = world_.router(site);
  if (router == nullptr) return;
  world_.log().line(world_.now(), world_.site(site).name, "exposes " + address);
  exposure.consumer = router->add_consumer(address, cost, world_.local_now(site));
  place.consumers[exposure.consumer] = address;
  world_.touch(site);
}

void Services::withdraw(SiteIndex site, const std::string& address) {
  Place& place = places_[site];
  const auto found = place.exposures.find(address);
  if (found == place.exposures.end()) return;
  const router::ConsumerId consumer = found->second.consumer;
  place.exposures.erase(found);
  router::Router* router = world_.router(site);
  if (router == nullptr) return;
  world_.log().line(world_.now(), world_.site(site).name, "withdraws " + address);
  router->remove_consumer(consumer, world_.local_now(site));
  world_.touch(site);
}

void Services::use(SiteIndex site, const std::string& address) {
  Place& place = places_[site];
  router::Router* router = world_.router(site);
  const bool added = place.users.emplace(address, router::ProducerId{}).second;
  if (!added || router == nullptr) return;
  place.users[address] = router->add_producer(address, world_.local_now(site));
  world_.touch(site);
}

void Services::restore(SiteIndex site) {
  Place& place = places_[site];
  router::Router* router = world_.router(site);
  if (router == nullptr) return;
  place.consumers.clear();
  for (auto& [address, exposure] : place.exposures) {
    exposure.consumer = router->add_consumer(address, exposure.cost, world_.local_now(site));
    place.consumers[exposure.consumer] = address;
  }
  for (auto& [address, producer] : place.users) producer = router->add_producer(address, world_.local_now(site));
  world_.touch(site);
}

std::string Services::address_of(SiteIndex site, router::ConsumerId consumer) const {
  const auto place = places_.find(site);
  if (place == places_.end()) return {};
  const auto found = place->second.consumers.find(consumer);
  return found == place->second.consumers.end() ? std::string{} : found->second;
}

bool Services::exposed(SiteIndex site, router::ConsumerId consumer) const {
  const auto place = places_.find(site);
  if (place == places_.end()) return false;
  const auto exposure = place->second.exposures.find(address_of(site, consumer));
  return exposure != place->second.exposures.end() && exposure->second.consumer == consumer;
}

router::ProducerId Services::producer(SiteIndex site, const std::string& address) const {
  const auto place = places_.find(site);
  if (place == places_.end()) return {};
  const auto found = place->second.users.find(address);
  return found == place->second.users.end() ? router::ProducerId{} : found->second;
}

std::map<std::string, std::uint32_t> Services::exposures(SiteIndex site) const {
  std::map<std::string, std::uint32_t> all;
  const auto place = places_.find(site);
  if (place == places_.end()) return all;
  for (const auto& [address, exposure] : place->second.exposures) all[address] = exposure.cost;
  return all;
}

std::map<std::string, router::ProducerId> Services::users(SiteIndex site) const {
  const auto place = places_.find(site);
  return place == places_.end() ? std::map<std::string, router::ProducerId>{} : place->second.users;
}

}  // namespace van::simulation
