//! The API endpoint gets another access mode:
//!
//! ```text
//! asked -> (nothing would change, another update, too few addresses: refused)
//!       -> new ways open beside the old ones -> Named: the name has its new answers; caches follow in the time to live
//!       -> Closed: the old ways take no new connections; what is open on them stays until it breaks
//!       -> the API servers are replaced one by one: connections are closed, and dialled anew by the new answers -> Ended
//! ```
//!
//! EKS calls the update done when its time is over, though the last old API servers may still be stopping then; until they
//! are gone it refuses the next one.
//!
//! Nothing here knows who is locked out: whoever has no way left finds out by dialling.

use crate::event::{AccessStep, Event, Future};
use crate::plan::EndpointAccess;
use crate::probes::Cause;
use crate::record::Weight;
use crate::stations::control_plane::Reason;
use crate::stations::network::SiteId;
use crate::world::World;
use sim_kernel::{Purpose, SimTime};

const NAMED: Purpose = Purpose::new("endpoint/named");

impl World {
    /// Somebody changes how the endpoint may be reached.
    pub(crate) fn access_changes(&mut self, now: SimTime, wanted: &EndpointAccess, future: &mut Future) {
        let before = self.vpc.network().access.clone();
        if self.update_is_refused(now, (!before.differs(wanted)).then_some("the endpoint is as it is to be")) {
            return;
        }
        let text = format!("update of the endpoint's access begins: from {before} to {wanted}");
        let cause = self.note_update(now, text);
        let lasts = self.roll_time(Reason::Access);
        let share = self.key.draw(NAMED, u64::from(self.fleet.rolls()), 0).uniform();
        if self.plan.parameters.endpoint.update_replaces_servers {
            self.roll_begins(now, Reason::Access, self.fleet.kind(), cause, future);
        }
        // The name moves, and the old ways close, before the first API server goes: whoever it leaves must find the new ones.
        let first = self.fleet.roll().map_or(lasts, |roll| roll.next_removal().saturating_since(now));
        let update = self.vpc.begin_update(wanted.clone(), now, cause);
        self.dials_hear(now, future);
        future.schedule(now + first.scaled(share), Event::Access(update, AccessStep::Named));
        future.schedule(now + first, Event::Access(update, AccessStep::Closed));
        future.schedule(now + lasts, Event::Access(update, AccessStep::Ended));
    }

    /// Handles a step of an update of the access.
    #[cold]
    pub(crate) fn access_goes_on(&mut self, now: SimTime, update: u32, step: AccessStep) {
        let Some((began, cause)) = self.vpc.update() else { return };
        let access = self.vpc.network().access.clone();
        match step {
            AccessStep::Named => {
                self.vpc.moves_name();
                let text = "the endpoint's name has its new answers; resolvers follow within the time to live";
                self.vpc_turns(now, cause, "endpoint/named", u64::from(update), text.to_owned());
            }
            AccessStep::Closed => {
                if self.vpc.closes_old_ways() {
                    let text = "the old ways to the endpoint take no new connections";
                    self.vpc_turns(now, cause, "endpoint/closed-old", u64::from(update), text.to_owned());
                }
                self.note_locked_out(now);
            }
            AccessStep::Ended => {
                self.vpc.ends_update();
                let minutes = now.saturating_since(began).as_secs_f64() / 60.0;
                self.probes.timeline.note(now, Weight::Turn, cause, "endpoint/updated", u64::from(update), || {
                    format!("endpoint access is {access}, after {minutes:.1} min")
                });
            }
        }
    }

    /// Says whose way to the endpoint rules and routes close.
    pub(crate) fn note_locked_out(&mut self, now: SimTime) {
        let sites = self.vpc.sites().map(|(site, _)| site).skip(1);
        let ways: Vec<_> = sites.map(|site| (site, self.path_to_endpoint(site))).collect();
        for (site, path) in ways.into_iter().filter(|(_, path)| !path.open) {
            let noted =
                self.probes.timeline.note(now, Weight::Turn, self.vpc_story, "endpoint/closed", site.0.into(), || {
                    format!("{} cannot reach the API: {}; to open: {}", path.from, path.decided_by, path.opened_by)
                });
            self.site_stories.push((site, noted));
        }
    }

    /// Why rules or routes close the way of a site: what was last said of it, or else of the VPC.
    pub(crate) fn closing_story(&self, site: SiteId) -> Cause {
        let said = self.site_stories.iter().rev().find(|(of, _)| *of == site).and_then(|(_, cause)| *cause);
        said.or(self.vpc_story)
    }
}
