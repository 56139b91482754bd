//! A cluster comes into being, as `eksctl create cluster` has it made:
//!
//! ```text
//! a task begins -> the provider prepares -> makes it ->  (eksctl asks, asks again, and learns of it late) -> it ends
//!     -> the tasks that waited for it begin -> ... -> ready
//! node group: its Auto Scaling group launches -> `instance.rs`: boots, joins, is Ready -> EKS looks -> ACTIVE
//!     nobody joins -> EKS gives up -> its stack rolls back -> eksctl hears of it, and fails
//! ```
//!
//! The control plane's machines stand from the start of the run: until its API answers nobody asks it.

use crate::event::{CreationStep, Event, Future};
use crate::ids::{DeploymentId, GroupId, NodeId};
use crate::plan::creation::{mean_creation_s, regional_creation_s};
use crate::plan::{EndpointAccess, Work};
use crate::record::Weight;
use crate::stations::compute::node::Ready;
use crate::stations::services::creation::{Asking, Remote};
use crate::stations::services::pod::{Object, Pod};
use crate::world::World;
use sim_kernel::{Law, Purpose, SimDuration, SimTime};

const PREPARES: Purpose = Purpose::new("creation/prepares");
const VPC: Purpose = Purpose::new("creation/vpc");
const MAKES: Purpose = Purpose::new("creation/makes");
const SETTLES: Purpose = Purpose::new("creation/settles");
const LOOKS: Purpose = Purpose::new("creation/looks");
const ASKS: Purpose = Purpose::new("creation/asks");
const CALL: Purpose = Purpose::new("creation/call");
const ROLLBACK: Purpose = Purpose::new("creation/rollback");

/// The namespace of what EKS brings itself.
const SYSTEM: &str = "kube-system";

impl World {
    /// eksctl begins, where the cluster is created in the run.
    pub(crate) fn creation_begins(&mut self, future: &mut Future) {
        self.creation_goes_on(SimTime::ZERO, future);
    }

    /// All tasks that may begin do; without one, and when nothing runs, eksctl ends.
    fn creation_goes_on(&mut self, now: SimTime, future: &mut Future) {
        let Some(creation) = &self.creation else { return };
        let tasks = creation.may_begin();
        if tasks.is_empty() {
            return self.creation_may_end(now);
        }
        for task in tasks {
            self.creation_mut().begins(task, now);
            let work = self.creation_work(task);
            let text = work.describe(&self.plan.cluster);
            let note = || format!("eksctl: {text}");
            self.probes.timeline.note(now, Weight::Turn, None, "creation/begins", task as u64, note);
            self.task_begins(now, task, &work, future);
        }
    }

    fn creation_may_end(&mut self, now: SimTime) {
        if !self.creation_mut().is_over() {
            return;
        }
        let name = self.plan.cluster.name.clone();
        let failed = (0..self.tasks()).find(|task| !self.creation_mut().why(*task).is_empty());
        let text = match failed {
            None => format!("eksctl: EKS cluster {name} is ready"),
            Some(task) => {
                let what = self.creation_work(task).describe(&self.plan.cluster);
                format!("eksctl: failed to create cluster {name}: {what}: {}", self.creation_mut().why(task))
            }
        };
        self.probes.timeline.note(now, Weight::Turn, None, "creation/ends", 0, || text);
        if !self.plan.modes.probes_off {
            self.probes.creation.at_end = Some((now, self.listing(now)));
        }
    }

    fn creation_mut(&mut self) -> &mut crate::stations::services::creation::Creation {
        self.creation.as_mut().expect("a cluster that is created has tasks")
    }

    fn tasks(&self) -> usize {
        self.plan.creation.as_ref().map_or(0, |creation| creation.tasks.len())
    }

    fn creation_work(&self, task: usize) -> Work {
        self.plan.creation.as_ref().expect("a task belongs to a creation").tasks[task].work.clone()
    }

    fn task_begins(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let law = &self.plan.parameters.creation;
        match work {
            Work::ClusterStack { makes_vpc } => {
                let mut time = self.draw_creation(PREPARES, task, &law.stack_resources);
                if *makes_vpc {
                    time += self.draw_creation(VPC, task, &law.vpc);
                }
                let what = if *makes_vpc { "VPC, security groups, IAM role" } else { "security groups, IAM role" };
                self.creation_mut().phase(task, now, what.to_owned());
                self.then(now, task, time, CreationStep::Prepared, future);
            }
            Work::NodeGroupStack { group } => {
                let mut time = self.draw_creation(PREPARES, task, &law.stack_resources);
                let managed = self.plan.cluster.node_groups[*group].managed;
                if !managed {
                    time += self.draw_creation(VPC, task, &law.instance_profile);
                }
                let what = if managed { "" } else { "instance profile, " };
                self.creation_mut().phase(task, now, format!("IAM role, {what}launch template"));
                self.then(now, task, time, CreationStep::Prepared, future);
            }
            Work::Addon { .. } => self.addon_begins(now, task, work, future),
            Work::RoleStack { .. } => self.makes(now, task, &law.role.clone(), future),
            Work::OidcProvider => self.makes(now, task, &law.oidc.clone(), future),
            Work::FargateProfile { .. } => self.makes(now, task, &law.fargate_profile.clone(), future),
            Work::Ends => self.makes(now, task, &law.checks.clone(), future),
            Work::AfterProfiles { .. } => {
                let pause = law.fargate_pause + self.call_time(task, 0);
                self.then(now, task, pause, CreationStep::Prepared, future);
            }
            Work::DisablePublicAccess => self.public_access_goes(now, future),
            Work::ControlPlaneReady | Work::NodesReady { .. } => {}
        }
        let patience = self.patience(now, work) + self.call_time(task, 0);
        self.then(now, task, patience, CreationStep::GivesUp, future);
        if !matches!(work, Work::AfterProfiles { .. }) {
            self.asks_later(now, task, work, future);
        }
    }

    /// How long eksctl waits for a task; for the nodes of all groups together.
    fn patience(&self, now: SimTime, work: &Work) -> SimDuration {
        let patience = self.plan.parameters.creation.patience;
        let waits = |task: &usize| matches!(self.creation_work(*task), Work::NodesReady { .. });
        let first = (0..self.tasks()).find(waits).and_then(|task| self.creation.as_ref()?.times(task).0);
        let waited = first.filter(|_| matches!(work, Work::NodesReady { .. })).map(|first| now.saturating_since(first));
        SimDuration::from_nanos(patience.as_nanos().saturating_sub(waited.map_or(0, SimDuration::as_nanos)))
    }

    fn makes(&mut self, now: SimTime, task: usize, law: &Law, future: &mut Future) {
        let time = self.draw_creation(MAKES, task, law);
        self.then(now, task, time, CreationStep::Made, future);
    }

    fn draw_creation(&self, purpose: Purpose, task: usize, law: &Law) -> SimDuration {
        law.duration(&mut self.key.draw(purpose, task as u64, 0))
    }

    fn call_time(&self, task: usize, ordinal: u32) -> SimDuration {
        self.plan.parameters.creation.call.duration(&mut self.key.draw(CALL, task as u64, u64::from(ordinal)))
    }

    fn then(&mut self, now: SimTime, task: usize, after: SimDuration, step: CreationStep, future: &mut Future) {
        future.schedule(now + after, Event::Creation(task as u16, step));
    }

    /// eksctl asks once more, after its pause; who waits for nodes watches them instead.
    fn asks_later(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let law = &self.plan.parameters.creation;
        let (asking, shortest, longest) = match work {
            Work::ClusterStack { .. } => (Asking::TwiceThenSlower, law.stack_question, law.cluster_question),
            Work::NodeGroupStack { .. } | Work::RoleStack { .. } | Work::DisablePublicAccess => {
                (Asking::Jittered, law.stack_question, law.stack_question_max)
            }
            Work::Addon { is_awaited: true, .. } => (Asking::Jittered, law.addon_question, law.stack_question_max),
            Work::FargateProfile { .. } | Work::AfterProfiles { .. } => {
                (Asking::Doubling, law.profile_question, law.profile_question)
            }
            Work::ControlPlaneReady if !self.eksctl_reaches_the_api() => return self.cannot_reach(now, task, future),
            Work::NodesReady { .. } if !self.eksctl_reaches_the_api() => return self.cannot_reach(now, task, future),
            Work::ControlPlaneReady => (Asking::Steady, law.api_question, law.api_question),
            Work::NodesReady { .. } => return self.creation_hears(now, future),
            _ => return,
        };
        let bound = longest.as_secs_f64() / shortest.as_secs_f64();
        let question = self.creation_mut().asks(task);
        let uniform = self.key.draw(ASKS, task as u64, u64::from(question)).uniform();
        let pause = shortest.scaled(asking.pause(question, bound, uniform));
        let pause = pause + self.call_time(task, question);
        self.then(now, task, pause, CreationStep::Asks, future);
    }

    /// eksctl runs somewhere on the internet, in a range that the endpoint lets in.
    fn eksctl_reaches_the_api(&self) -> bool {
        self.vpc.network().access.public
    }

    /// What eksctl dials stays silent.
    fn cannot_reach(&mut self, now: SimTime, task: usize, future: &mut Future) {
        let silent = self.plan.parameters.connection.dial_timeout + self.call_time(task, 1);
        self.then(now, task, silent, CreationStep::Unreachable, future);
    }

    /// Handles a step of a task; one of a task that is over does nothing to it.
    #[inline(never)]
    pub(crate) fn creation(&mut self, now: SimTime, task: u16, step: CreationStep, future: &mut Future) {
        let (task, work) = (usize::from(task), self.creation_work(usize::from(task)));
        let runs = self.creation_mut().is_running(task);
        match step {
            CreationStep::Prepared => self.task_is_prepared(now, task, &work, future),
            CreationStep::Applied => self.is_applied(now, task, &work, future),
            CreationStep::Made => self.task_is_made(now, task, &work, future),
            CreationStep::Looks => self.provider_looks(now, task, &work, future),
            CreationStep::RolledBack => self.creation_mut().phase_ends(task, now),
            CreationStep::Asks if runs => self.task_asks(now, task, &work, future),
            CreationStep::GivesUp if runs => {
                let after = self.plan.parameters.creation.patience.as_secs_f64() / 60.0;
                self.task_ends(now, task, Err(format!("timed out after {after:.0} min")), future);
            }
            CreationStep::Unreachable if runs => self.task_is_unreachable(now, task, &work, future),
            CreationStep::Asks | CreationStep::GivesUp | CreationStep::Unreachable => {}
        }
    }

    fn task_ends(&mut self, now: SimTime, task: usize, result: Result<(), String>, future: &mut Future) {
        if self.creation_mut().remote(task) == Remote::Complete || result.is_ok() {
            self.creation_mut().phase_ends(task, now);
        }
        self.creation_mut().ends(task, now, result);
        self.creation_goes_on(now, future);
    }

    /// What a stack needs first is there.
    fn task_is_prepared(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let law = &self.plan.parameters.creation;
        match work {
            Work::ClusterStack { .. } => self.control_plane_begins(now, task, future),
            Work::NodeGroupStack { group } => {
                let managed = self.plan.cluster.node_groups[*group].managed;
                let law = if managed { &law.managed_group } else { &law.auto_scaling_group };
                let time = self.draw_creation(MAKES, task, law);
                let what = if managed { "EKS makes the group" } else { "Auto Scaling group" };
                self.creation_mut().phase(task, now, what.to_owned());
                self.then(now, task, time, CreationStep::Applied, future);
            }
            Work::AfterProfiles { moves_coredns: true } => self.coredns_moves(now, task, work, future),
            _ => self.task_ends(now, task, Ok(()), future),
        }
    }

    /// eksctl patches CoreDNS: its new pods are for Fargate, where a profile selects them.
    fn coredns_moves(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let Some(coredns) = self.coredns() else { return self.task_ends(now, task, Ok(()), future) };
        self.update_deployment(now, task as u32, coredns, future);
        self.creation_mut().phase(task, now, "new pods of CoreDNS, a micro-VM for each".to_owned());
        self.asks_later(now, task, work, future);
    }

    fn coredns(&self) -> Option<DeploymentId> {
        let is_it = |planned: &crate::plan::Deployment| planned.namespace == SYSTEM && planned.name == "coredns";
        self.plan.deployments.iter().position(is_it).map(|index| DeploymentId(index as u32))
    }

    /// Whether all pods of CoreDNS are on Fargate, as many as are wanted, and Ready.
    fn coredns_is_on_fargate(&self) -> bool {
        let Some(id) = self.coredns() else { return true };
        let is_its = |pod: &&Pod| pod.deployment == id && pod.object() != Object::Gone;
        let pods: Vec<&Pod> = self.cluster.pods.iter().filter(is_its).collect();
        let wanted = self.cluster.deployments[id.index()].wanted() as usize;
        let is_there = |pod: &Pod| pod.is_ready() && pod.node.is_some_and(|node| self.is_micro_vm(node));
        pods.len() == wanted && pods.into_iter().all(is_there)
    }

    /// EKS is asked for a control plane, and refuses where it would find no place.
    fn control_plane_begins(&mut self, now: SimTime, task: usize, future: &mut Future) {
        let law = &self.plan.parameters.creation;
        let network = &self.plan.cluster.network;
        if network.control_plane_zones().len() < 2 {
            let why = "InvalidParameterException: subnets must be in at least two availability zones";
            return self.stack_fails(now, task, why.to_owned(), future);
        }
        if let Some(subnet) = network.too_small_for_control_plane(law.subnet_addresses) {
            let why = format!("InvalidParameterException: subnet {subnet} has too few free addresses");
            return self.stack_fails(now, task, why, future);
        }
        let mut time = self.draw_creation(MAKES, task, &law.control_plane);
        if law.regional {
            time = time.scaled(regional_creation_s(&self.plan.cluster.region) / mean_creation_s());
        }
        let answers = time.scaled(law.api_share);
        self.creation_mut().phase(task, now, "EKS makes the control plane".to_owned());
        self.then(now, task, time, CreationStep::Made, future);
        self.then(now, task, answers, CreationStep::Applied, future);
    }

    /// A resource of a stack cannot be made: CloudFormation deletes the others.
    fn stack_fails(&mut self, now: SimTime, task: usize, why: String, future: &mut Future) {
        let what = self.creation_work(task).describe(&self.plan.cluster);
        let note = || format!("{what} fails and rolls back: {why}");
        self.probes.timeline.note(now, Weight::Turn, None, "creation/rollback", task as u64, note);
        self.creation_mut().turns_out(task, Err(why));
        self.creation_mut().phase(task, now, "rollback".to_owned());
        let time = self.draw_creation(ROLLBACK, task, &self.plan.parameters.creation.rollback);
        self.then(now, task, time, CreationStep::RolledBack, future);
    }

    fn addon_begins(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let law = &self.plan.parameters.creation;
        let applied = self.draw_creation(SETTLES, task, &law.addon_applied);
        let made = match work {
            Work::Addon { is_awaited: true, .. } => self.draw_creation(MAKES, task, &law.addon_active),
            _ => self.call_time(task, 1),
        };
        self.then(now, task, applied, CreationStep::Applied, future);
        self.then(now, task, made, CreationStep::Made, future);
    }

    /// What a task brings is in the API, or a node group launches.
    fn is_applied(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        match work {
            Work::ClusterStack { .. } if self.plan.parameters.creation.provider_addons => {
                let note = || "the API answers; EKS has put CoreDNS, kube-proxy and the VPC CNI into it".to_owned();
                self.probes.timeline.note(now, Weight::Turn, None, "creation/api", 0, note);
                for name in ["aws-node", "kube-proxy", "coredns"] {
                    self.object_is_applied(now, name, future);
                }
            }
            Work::Addon { name, .. } => {
                let name = if name.eq_ignore_ascii_case("vpc-cni") { "aws-node" } else { name };
                self.object_is_applied(now, name, future);
            }
            Work::NodeGroupStack { group } => self.group_launches(now, task, *group, future),
            _ => {}
        }
    }

    /// A DaemonSet or a Deployment of EKS's own is created, unless it is there.
    fn object_is_applied(&mut self, now: SimTime, name: &str, future: &mut Future) {
        let sets = &self.plan.cluster.daemon_sets;
        let set = sets.iter().position(|set| set.name == name && set.created.is_none());
        if let Some(index) = set.filter(|index| !self.cluster.daemon_sets[*index].exists) {
            self.daemon_set_is_created(now, self.cluster.daemon_set_id(index), future);
        }
        let plan = self.plan.clone();
        let is_meant = |planned: &crate::plan::Deployment| planned.namespace == SYSTEM && planned.name == name;
        let found = (0..).map(DeploymentId).zip(&plan.deployments).find(|(_, planned)| is_meant(planned));
        if let Some((id, planned)) = found.filter(|(id, _)| self.cluster.deployments[id.index()].wanted() == 0) {
            self.scale_deployment(now, id, planned.replicas, future);
        }
    }

    fn group_launches(&mut self, now: SimTime, task: usize, group: usize, future: &mut Future) {
        let (planned, id) = (&self.plan.cluster.node_groups[group], GroupId(group as u16));
        let (managed, desired, name) = (planned.managed, planned.desired, planned.name.clone());
        let note = || format!("the Auto Scaling group of {name} launches {desired} instances");
        let story = self.probes.timeline.note(now, Weight::Turn, None, "creation/launches", group as u64, note);
        self.cluster.groups[group].is_made(desired, story);
        self.node_group(now, id, future);
        if managed {
            self.creation_mut().phase(task, now, "instances boot, join and turn Ready".to_owned());
            self.looks_later(now, task, 0, future);
        } else {
            self.settles(now, task, future);
        }
    }

    /// The last resource of a stack is there: the stack will be complete when CloudFormation looks.
    fn settles(&mut self, now: SimTime, task: usize, future: &mut Future) {
        let time = self.draw_creation(SETTLES, task, &self.plan.parameters.creation.stack_look);
        self.then(now, task, time, CreationStep::Made, future);
    }

    fn looks_later(&mut self, now: SimTime, task: usize, looked: u32, future: &mut Future) {
        let law = &self.plan.parameters.creation.group_look;
        let pause = law.duration(&mut self.key.draw(LOOKS, task as u64, u64::from(looked)));
        self.then(now, task, pause, CreationStep::Looks, future);
    }

    /// EKS looks at the nodes of a managed group that is being created.
    fn provider_looks(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let Work::NodeGroupStack { group } = *work else { return };
        let launched = self.creation_mut().phases(task).last().map_or(now, |phase| phase.begun);
        let desired = self.plan.cluster.node_groups[group].desired;
        if self.ready_nodes(group) >= desired {
            return self.settles(now, task, future);
        }
        if now.saturating_since(launched) < self.plan.parameters.creation.group_join_limit {
            let looked = self.creation_mut().is_answered(task);
            return self.looks_later(now, task, looked, future);
        }
        let why = match self.cluster.groups[group].has() < desired {
            true => format!("AsgInstanceLaunchFailures: no {}", self.why_no_launch(GroupId(group as u16)).1),
            false => "NodeCreationFailure: instances failed to join the kubernetes cluster".to_owned(),
        };
        self.stack_fails(now, task, why, future);
        self.cluster.groups[group].is_unmade();
        self.node_group(now, GroupId(group as u16), future);
    }

    fn ready_nodes(&self, group: usize) -> u32 {
        let of_group = self.cluster.nodes.iter().filter(|node| node.group.index() == group);
        of_group.filter(|node| node.ready() == Some(Ready::True)).count() as u32
    }

    /// What a task asked for is made.
    fn task_is_made(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        self.creation_mut().turns_out(task, Ok(()));
        match work {
            Work::ClusterStack { .. } | Work::NodeGroupStack { .. } => {
                self.creation_mut().phase(task, now, "complete; eksctl asks again".to_owned());
            }
            Work::FargateProfile { name } => self.fargate_profile_is_active(name),
            Work::Addon { is_awaited: false, .. } | Work::OidcProvider => self.task_ends(now, task, Ok(()), future),
            Work::Ends => {
                self.user_applies(now, future);
                self.task_ends(now, task, Ok(()), future);
            }
            _ => {}
        }
    }

    /// The cluster is ready: what else the plan has on it is applied.
    fn user_applies(&mut self, now: SimTime, future: &mut Future) {
        let plan = self.plan.clone();
        for (id, planned) in (0..).map(DeploymentId).zip(&plan.deployments) {
            let absent = self.cluster.deployments[id.index()].wanted() == 0;
            if absent && planned.namespace != SYSTEM {
                self.scale_deployment(now, id, planned.replicas, future);
            }
        }
    }

    /// eksctl asks how far a task is.
    fn task_asks(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let done = match work {
            Work::ControlPlaneReady => {
                let answers = self.api_servers.iter().any(|server| server.is_ready());
                answers && self.creation_mut().is_answered(task) >= self.plan.parameters.creation.api_answers as u32
            }
            Work::NodesReady { group } => self.ready_nodes(*group) >= self.plan.cluster.node_groups[*group].min,
            Work::DisablePublicAccess => self.vpc.update().is_none(),
            Work::AfterProfiles { .. } => self.coredns_is_on_fargate(),
            _ => match self.creation_mut().remote(task) {
                Remote::InProgress => false,
                Remote::Complete => true,
                Remote::Failed => {
                    let why = self.creation_mut().why(task).to_owned();
                    return self.task_ends(now, task, Err(format!("ROLLBACK_IN_PROGRESS: {why}")), future);
                }
            },
        };
        match (done, work) {
            (true, _) => self.task_ends(now, task, Ok(()), future),
            (false, Work::NodesReady { .. }) => {}
            (false, _) => self.asks_later(now, task, work, future),
        }
    }

    /// The API does not answer eksctl: it goes on without the check, but cannot wait for nodes.
    fn task_is_unreachable(&mut self, now: SimTime, task: usize, work: &Work, future: &mut Future) {
        let result = match work {
            Work::NodesReady { .. } => {
                Err("the API is not reachable from where eksctl runs: the endpoint is private only".to_owned())
            }
            _ => {
                self.creation_mut().phase(task, now, "not reachable from where eksctl runs; it goes on".to_owned());
                Ok(())
            }
        };
        self.task_ends(now, task, result, future);
    }

    /// A Node is registered.
    pub(crate) fn creation_sees_join(&mut self, now: SimTime, node: NodeId) {
        if self.creation.is_some() && !self.plan.modes.probes_off {
            self.probes.creation.joined.push((node, now));
        }
    }

    /// A node is Ready: whoever waits for nodes hears of it.
    pub(crate) fn creation_hears(&mut self, now: SimTime, future: &mut Future) {
        let Some(creation) = &self.creation else { return };
        let waiting =
            |task: &usize| creation.is_running(*task) && matches!(self.creation_work(*task), Work::NodesReady { .. });
        if let Some(task) = (0..self.tasks()).find(waiting) {
            let heard = self.creation_mut().asks(task);
            let call = self.call_time(task, heard);
            self.then(now, task, call, CreationStep::Asks, future);
        }
    }

    /// The public endpoint of a fully private cluster goes.
    fn public_access_goes(&mut self, now: SimTime, future: &mut Future) {
        let before = self.vpc.network().access.clone();
        self.access_changes(now, &EndpointAccess { public: false, private: true, ..before }, future);
    }
}
