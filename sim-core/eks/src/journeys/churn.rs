//! The churn of a load test: a client deletes pods of the Deployments at a steady rate, and their ReplicaSets create
//! others in their place.
//!
//! ```text
//! its turn -> a pod that runs -> DeleteAnyPod -> Terminating -> its ReplicaSet creates another
//! ```
//!
//! As the Kubernetes service levels count it, a deleted pod and the one in its place are a churn of two.

use crate::aim::{Aim, Caller};
use crate::event::{Event, Future};
use crate::ids::PodId;
use crate::stations::network::Owner;
use crate::stations::services::pod::Object;
use crate::world::World;
use sim_kernel::{Purpose, SimDuration, SimTime};

const TURN: Purpose = Purpose::new("churn/turn");
const VICTIM: Purpose = Purpose::new("churn/victim");

/// Draws of a pod before a turn is given up: there is hardly one that runs.
const DRAWS: u32 = 1_000;

impl World {
    /// The client waits for its first turn.
    pub(crate) fn churn_begins(&mut self, future: &mut Future) {
        if self.plan.churn > 0.0 {
            if self.plan.pod_trace.is_none() {
                self.submitter.connection = self.open_from_start(Owner::Submitter, self.origin_of_submitter(), future);
            }
            future.schedule(self.turn_of_churn(0), Event::Churn(0));
        }
    }

    /// When a turn comes: somewhere in its part of the time.
    fn turn_of_churn(&self, turn: u32) -> SimTime {
        let part = SimDuration::from_secs_f64(2.0 / self.plan.churn);
        SimTime::ZERO + part * u64::from(turn) + part.scaled(self.key.draw(TURN, u64::from(turn), 0).uniform())
    }

    /// The client's turn has come: it deletes one of the pods that run.
    pub(crate) fn churn(&mut self, now: SimTime, turn: u32, future: &mut Future) {
        future.schedule(self.turn_of_churn(turn + 1).max(now), Event::Churn(turn + 1));
        let pods = self.cluster.pods.len() as u64;
        let mut draw = self.key.draw(VICTIM, u64::from(turn), 0);
        let any = (0..DRAWS).map_while(|_| (pods > 0).then(|| PodId(draw.below(pods) as u32)));
        let runs = |pod: &PodId| {
            let state = &self.cluster.pods[pod.index()];
            state.object() == Object::Bound && state.is_served()
        };
        if let Some(pod) = { any }.find(runs) {
            self.call(now, Caller::Churn(turn), Aim::DeleteAnyPod(pod), None, future);
        }
    }
}
