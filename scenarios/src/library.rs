//! The scenarios that the program brings along.

/// A built-in scenario.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its name, as in `ekssim run NAME`.
    pub name: &'static str,
    /// What it is called in reports.
    pub title: &'static str,
    /// The question that it answers.
    pub question: &'static str,
    /// Its TOML text.
    pub text: &'static str,
}

macro_rules! built_in {
    ($name:literal, $title:literal, $question:literal) => {
        BuiltIn {
            name: $name,
            title: $title,
            question: $question,
            text: include_str!(concat!("../library/", $name, ".toml")),
        }
    };
}

static LIBRARY: &[BuiltIn] = &[
    built_in!(
        "az-failure",
        "A zone loses power",
        "One of three zones goes dark for half an hour. What do API clients and our services see, and for how long?"
    ),
    built_in!(
        "apiserver-crash",
        "An API server dies silently",
        "The API server beside the controllers' leader hangs, alone, for a quarter of an hour. Who notices, when, and do healthy nodes turn NotReady?"
    ),
    built_in!(
        "etcd-leader-loss",
        "etcd loses its leader",
        "The etcd member that leads stops, alone. How long do writes fail, and how many of them?"
    ),
    built_in!(
        "etcd-quorum-loss",
        "etcd loses its quorum",
        "Two of etcd's three members stop; one of them returns after ten minutes. What can still be done meanwhile, what does the cluster do by itself, and how soon after the return is all as before?"
    ),
    built_in!(
        "etcd-slow-disk",
        "A slow disk under etcd",
        "The disk of the etcd leader turns slow for ten minutes, later that of a follower. What do clients notice of either?"
    ),
    built_in!(
        "etcd-full",
        "etcd runs full",
        "A runaway client fills etcd's database up to its quota. What stops working, do services suffer, and how does the cluster come back?"
    ),
    built_in!(
        "sts-outage",
        "STS does not answer",
        "The Security Token Service of the region is silent for half an hour. Who can still use the API, do nodes turn NotReady, and do services suffer?"
    ),
    built_in!(
        "grey-zone",
        "A zone turns grey",
        "One of three zones is slow and lossy for half an hour, and nothing calls it dead. Whose requests become slow, and by how much?"
    ),
    built_in!(
        "two-zones-lost",
        "Two zones lose power",
        "Two of three zones go dark for twenty minutes, so etcd has no quorum. What works, what does not, and what happens when they return?"
    ),
    built_in!(
        "nodegroup-upgrade",
        "Managed node groups are updated",
        "Two managed node groups are updated to a new version, one of them with a budget that lets no pod go. How long does it take, and what do services notice?"
    ),
    built_in!(
        "create-managed",
        "A cluster is created, with a managed node group",
        "eksctl creates a cluster with a managed group of two nodes. What takes how long, and when do the first pods run?"
    ),
    built_in!(
        "create-fargate",
        "A cluster is created, on Fargate",
        "eksctl creates a cluster whose pods all run on Fargate. What takes how long, and when does CoreDNS run?"
    ),
    built_in!(
        "control-plane-upgrade",
        "The control plane is upgraded",
        "The control plane is upgraded to the next minor version. What do API clients see, and how long does it take?"
    ),
    built_in!(
        "upgrade-meets-fault",
        "A zone is lost in the middle of an upgrade",
        "A zone loses power in the middle of a control-plane upgrade. Does the upgrade end, does it return to the old version, and what do clients see?"
    ),
    built_in!(
        "tier-choice",
        "Which tier for a burst of pods",
        "A deployment of thousands of pods starts at once. How fast is it up with a standard control plane, and with each provisioned tier, and what does that cost?"
    ),
    built_in!(
        "list-storm",
        "A storm of LISTs",
        "An agent on each of two thousand nodes lists all pods, and all of them restart at once. Do the API servers recover, and what makes the difference?"
    ),
    built_in!(
        "operator-hot-loop",
        "An operator in a hot loop",
        "One service account floods the API servers with writes without a pause. Do kubelets, controllers, administrators and another operator still get through?"
    ),
    built_in!(
        "scale-out-10x",
        "Ten times the pods, with the Cluster Autoscaler",
        "A Deployment is scaled from 40 to 400 pods. How long until all of them are Ready, and where does the time go?"
    ),
    built_in!(
        "zone-loss-no-capacity",
        "A zone is lost, and there is no capacity",
        "A zone goes dark for an hour, and EC2 has no instances in the other zones for 20 and 35 minutes. How long do pods of the lost zone wait for room?"
    ),
    built_in!(
        "zone-loss-at-peak",
        "A zone is lost at the peak",
        "The traffic grows to four times what it was, and minutes later a zone goes dark while EC2 has no instances to give. How much of the load finds pods, and when is all of it served again?"
    ),
    built_in!(
        "healers-in-the-dead-zone",
        "The healers are in the dead zone",
        "A zone goes dark with the only pod of the Cluster Autoscaler in it, and a Deployment needs more nodes at that moment. Who heals the healer, and how long do pods wait for it?"
    ),
    built_in!(
        "webhook-down",
        "An admission webhook hangs",
        "A webhook that reviews every new pod hangs for half an hour, and a zone loses its nodes meanwhile. When do services have all their pods again, with failurePolicy Fail and with Ignore?"
    ),
    built_in!(
        "api-away",
        "The API is away for half an hour",
        "Every API server hangs for half an hour. What keeps running meanwhile, and what does the return of all clients at once cost?"
    ),
    built_in!(
        "private-endpoint-switch",
        "The endpoint is made private, well prepared",
        "The API endpoint becomes private on a working day. Which clients lose the API, for how long, and do the nodes notice?"
    ),
    built_in!(
        "private-endpoint-lockout",
        "The endpoint is made private, and the admin host is locked out",
        "The endpoint becomes private, and the admin host's address is in no security group of the control plane. What works, what does not, and what is the way out?"
    ),
    built_in!(
        "public-cidr-mistake",
        "The public endpoint is restricted, and the nodes are forgotten",
        "publicAccessCidrs gets the administrator's address only. What happens to nodes that reach the API through a NAT gateway, and to what runs on them?"
    ),
    built_in!(
        "single-nat-zone-loss",
        "The zone of the only NAT gateway goes dark",
        "All private subnets share one NAT gateway, and its zone goes dark for half an hour. What happens to the nodes of the other zones, in public mode and with private access?"
    ),
    built_in!(
        "nat-loss-private-cluster",
        "A private cluster loses its NAT gateway",
        "The NAT gateway of a cluster with a private endpoint fails for half an hour, while CoreDNS is scaled out. What still works, with and without VPC endpoints?"
    ),
    built_in!(
        "eni-zone-loss",
        "The interface of EKS in one zone is lost",
        "With private access on, the EKS-owned interface of one zone stops for 20 minutes. Who notices, by which timer, and for how long?"
    ),
    built_in!(
        "bastion-private",
        "A bastion is the only way in",
        "The endpoint is private, and people work from one bastion in a private subnet. What do they see when its zone goes dark, and what does a second bastion change?"
    ),
    built_in!(
        "stateful-zone-loss",
        "A StatefulSet loses a zone, then nodes",
        "A StatefulSet with zonal volumes loses a zone for half an hour, then a node, then another that somebody declares out of service. When is each pod back, and what did it wait for?"
    ),
    built_in!(
        "endpoint-modes",
        "One zone loss, three access modes",
        "Public, public and private, or private: what does the loss of a zone do to nodes, clients and workloads in each access mode?"
    ),
    built_in!(
        "scale-out-fargate",
        "3,500 pods, on Fargate",
        "A Deployment on Fargate is scaled to 3,500 pods. How long until all of them are Ready, and what holds them up?"
    ),
    built_in!(
        "image-pull-storm",
        "Every node pulls a large image at once",
        "An agent of 3 GiB is rolled out to every node, and a service with an image of 200 MiB is scaled out behind it. How long do its pods wait, and what helps: pulls one after another, faster volumes?"
    ),
    built_in!(
        "registry-throttle",
        "Replaced nodes meet a registry's rate limit",
        "A zone goes dark, and its nodes are replaced. All images come from a public registry that lets each address pull a hundred times in six hours, behind one NAT gateway. When does everything run again?"
    ),
    built_in!(
        "ip-exhaustion",
        "The subnets run out of addresses",
        "A service more than doubles in subnets with 59 addresses each. Which pods start, and what do targets for warm addresses and prefix delegation change?"
    ),
];

/// All built-in scenarios, in the order in which one would meet them.
pub fn library() -> &'static [BuiltIn] {
    LIBRARY
}

/// Looks up a built-in scenario by its exact name.
pub fn built_in(name: &str) -> Option<&'static BuiltIn> {
    LIBRARY.iter().find(|built_in| built_in.name == name)
}
