//! How the load balancer and DNS learn that a zone's address or target is dead, or back:
//!
//! ```text
//! NLB node dies: its address is checked -> AddressDead -> Published without it
//! target dies:   health checks fail -> TargetUnhealthy -> flows reset, Routed; without cross-zone Published without it
//! target back:   health checks pass -> TargetHealthy -> Routed, Published with it
//! ```
//!
//! What is published is what the verdicts say at that moment; resolvers follow within the record's time to live.

use crate::event::{Event, Future, NlbStep};
use crate::plan::ZoneId;
use crate::record::Weight;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const ADDRESS_CHECK: Purpose = Purpose::new("nlb/address-check");
const PUBLICATION: Purpose = Purpose::new("nlb/publication");
const ROUTING: Purpose = Purpose::new("nlb/routing");

impl World {
    /// An NLB node is dead: a check of its address will find out.
    pub(crate) fn address_dies(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        let losses = self.zones.losses(zone);
        let mut draw = self.key.draw(ADDRESS_CHECK, u64::from(zone.0), u64::from(losses));
        let check = self.plan.parameters.nlb.address_check.duration(&mut draw);
        future.schedule(now + check, Event::Nlb(zone, losses, NlbStep::AddressDead));
    }

    /// An NLB node has power again. If its target was healthy by the last verdict and is not up, the checks find out.
    pub(crate) fn address_lives(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        self.nlb.address_lives(zone);
        let up = self.server_in(zone).is_some_and(|server| self.api_servers[server.index()].is_up());
        if !up
            && self.nlb.is_healthy(zone)
            && let Some((verdict, generation)) = self.nlb.target_dies(zone, now)
        {
            future.schedule(verdict, Event::Nlb(zone, generation, NlbStep::TargetUnhealthy));
        }
        self.publish_later(now, zone, future);
    }

    fn publish_later(&mut self, now: SimTime, zone: ZoneId, future: &mut Future) {
        let ordinal = self.nlb.next_publication(zone);
        let mut draw = self.key.draw(PUBLICATION, u64::from(zone.0), u64::from(ordinal));
        let time = self.plan.parameters.nlb.publication.duration(&mut draw);
        future.schedule(now + time, Event::Nlb(zone, 0, NlbStep::Published));
    }

    /// Handles something around the load balancer; what comes for an earlier state does nothing.
    pub(crate) fn balancing(
        &mut self,
        now: SimTime,
        zone: ZoneId,
        generation: u32,
        step: NlbStep,
        future: &mut Future,
    ) {
        match step {
            NlbStep::AddressDead => {
                if self.zones.losses(zone) == generation && !self.zones.has_power(zone) {
                    self.nlb.address_dies(zone);
                    self.publish_later(now, zone, future);
                }
            }
            NlbStep::TargetUnhealthy => self.target_unhealthy(now, zone, generation, future),
            NlbStep::TargetHealthy => {
                if self.nlb.judge(zone, generation, true).is_some() {
                    self.routing_follows(now, zone, generation, future);
                    self.publish_later(now, zone, future);
                }
            }
            NlbStep::Routed => self.nlb.route(zone, generation),
            NlbStep::Published => self.publish(now),
        }
    }

    fn target_unhealthy(&mut self, now: SimTime, zone: ZoneId, generation: u32, future: &mut Future) {
        let Some(server) = self.nlb.judge(zone, generation, false) else { return };
        let cause = self.api_servers[server.index()].down_since().and_then(|(_, cause)| cause);
        let name = self.zone_name(zone);
        let noted = self.probes.timeline.note(now, Weight::Turn, cause, "nlb/unhealthy", u64::from(zone.0), || {
            format!("load balancer finds its target in {name} unhealthy")
        });
        if self.plan.parameters.nlb.reset_unhealthy_flows {
            self.reset_flows(now, server, noted.or(cause), future);
        }
        self.routing_follows(now, zone, generation, future);
        self.publish_later(now, zone, future);
    }

    fn routing_follows(&mut self, now: SimTime, zone: ZoneId, generation: u32, future: &mut Future) {
        let mut draw = self.key.draw(ROUTING, u64::from(zone.0), u64::from(generation));
        let lag = self.plan.parameters.nlb.routing_lag.duration(&mut draw);
        future.schedule(now + lag, Event::Nlb(zone, generation, NlbStep::Routed));
    }

    fn publish(&mut self, now: SimTime) {
        let (gone, back) = self.dns.publish(self.nlb.answer());
        for zone in gone.zones() {
            let (name, cause) = (self.zone_name(zone), self.stories[zone.index()]);
            self.probes.timeline.note(now, Weight::Step, cause, "dns/withdrawn", u64::from(zone.0), || {
                format!("address in {name} leaves DNS; resolvers follow within the time to live")
            });
        }
        for zone in back.zones() {
            let (name, cause) = (self.zone_name(zone), self.stories[zone.index()]);
            self.probes.timeline.note(now, Weight::Step, cause, "dns/listed", u64::from(zone.0), || {
                format!("address in {name} is in DNS again")
            });
        }
    }
}
