//! Probes look at journeys and stations and keep what reports need. They schedule nothing and change nothing.

pub mod addresses;
pub mod clients;
pub mod coredns;
pub mod costs;
pub mod creation;
pub mod flow;
pub mod gauge;
pub mod images;
pub mod limits;
pub mod outage;
pub mod paths;
pub mod requests;
pub mod slo;
pub mod struck_zone;
pub mod timeline;
pub mod ways;

use crate::journeys::coredns::repeats;
use crate::plan::Plan;
pub use addresses::AddressProbe;
pub use clients::ClientProbe;
pub use coredns::CoreDnsProbe;
pub use creation::CreationProbe;
pub use flow::FlowProbe;
pub use gauge::Gauge;
pub use images::ImageProbe;
pub use limits::{LimitProbe, Resource, Wanted};
pub use outage::Outage;
pub use paths::{Flow, NodesAt, Path};
pub use requests::RequestProbe;
use sim_kernel::SimTime;
pub use slo::SloProbe;
pub use struck_zone::StruckZone;
pub use timeline::{Cause, FactId, Timeline};
pub use ways::WayProbe;

/// Everything that is measured.
#[derive(Clone, Debug)]
pub struct Probes {
    /// What happened, and why.
    pub timeline: Timeline,
    /// What clients saw.
    pub requests: RequestProbe,
    /// What each kind of client of the plan saw.
    pub clients: ClientProbe,
    /// Whose way to the API endpoint is closed.
    pub ways: WayProbe,
    /// The latency of API calls by the Kubernetes service levels.
    pub slo: SloProbe,
    /// What kubelets saw where faults strike, and elsewhere.
    pub struck_zone: StruckZone,
    /// What API Priority and Fairness did.
    pub flow: FlowProbe,
    /// Which resource is the limit.
    pub limits: LimitProbe,
    /// Addresses of pods.
    pub addresses: AddressProbe,
    /// The creation of the cluster.
    pub creation: CreationProbe,
    /// What CoreDNS makes of the queries of pods.
    pub coredns: CoreDnsProbe,
    /// Images of pods.
    pub images: ImageProbe,
}

impl Probes {
    /// The probes of a plan.
    pub fn new(plan: &Plan) -> Self {
        let off = plan.modes.probes_off;
        let counted_from = SimTime::ZERO + plan.warm_up;
        Probes {
            timeline: Timeline::new(off),
            requests: RequestProbe::new(plan.window(), counted_from, off),
            clients: ClientProbe::new(plan),
            ways: WayProbe::new(plan),
            slo: SloProbe::new(counted_from, off),
            struck_zone: StruckZone::new(plan),
            flow: FlowProbe::new(counted_from, off),
            limits: LimitProbe::new(plan.window(), counted_from, off),
            addresses: AddressProbe::default(),
            creation: CreationProbe::default(),
            coredns: CoreDnsProbe::new(counted_from, repeats(&plan.parameters.coredns)),
            images: ImageProbe::new(counted_from, off),
        }
    }
}
