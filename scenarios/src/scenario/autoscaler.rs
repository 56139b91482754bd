//! The autoscaler of the nodes, and the Deployment that it runs in.

use super::cluster::text_map;
use super::fields::{Errors, Fields, not_one_of};
use sim_eks::plan::{
    Cluster, ClusterAutoscaler, Control, Deployment, Expander, Note, NoteKind, SYSTEM_CLUSTER_CRITICAL,
};
use sim_eks::quantity::Resources;

const NAME: &str = "cluster-autoscaler";

/// Reads the autoscaler and adds its Deployment; what is wrong is noted.
pub(crate) fn resolve(
    file: &Fields,
    cluster: &Cluster,
    deployments: &mut Vec<Deployment>,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) -> Option<ClusterAutoscaler> {
    let fields = file.table("autoscaler")?;
    if deployments.iter().any(|other| other.namespace == "kube-system" && other.name == NAME) {
        let problem = "brings the Deployment kube-system/cluster-autoscaler, which is listed among the deployments too";
        errors.add(fields.line, fields.path.clone(), problem);
    }
    if !cluster.node_groups.iter().any(|group| group.max > group.min) {
        let text = "no node group has a max above its min: it has nothing to scale".to_owned();
        notes.push(Note { kind: NoteKind::Warning, place: String::new(), field: "autoscaler".to_owned(), text });
    }
    let priorities = priorities(fields, cluster, errors);
    let expander = match fields.text("expander")?.as_str() {
        "random" => Expander::Random,
        "most-pods" => Expander::MostPods,
        "priority" => Expander::Priority,
        _ => Expander::LeastWaste,
    };
    fields.text("kind")?;
    deployments.push(Deployment {
        namespace: "kube-system".to_owned(),
        name: NAME.to_owned(),
        replicas: *fields.count("replicas")? as u32,
        requests: Resources { milli_cpu: *fields.count("cpu")?, memory_mib: *fields.count("memory")? },
        node_selector: text_map(fields, "node_selector"),
        tolerations: Vec::new(),
        spread_zones: false,
        control: Control { priority: SYSTEM_CLUSTER_CRITICAL, ..Control::default() },
    });
    Some(ClusterAutoscaler { deployment: deployments.len() - 1, expander, priorities })
}

/// The ranks of the node groups, in the order of the cluster.
fn priorities(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Vec<i32> {
    let mut ranks = vec![0; cluster.node_groups.len()];
    for leaf in fields.leaves("priorities").into_iter().flatten() {
        let field = format!("{}.{}", fields.field("priorities"), leaf.path);
        let found = cluster.node_groups.iter().position(|group| group.name == leaf.path);
        match (found, leaf.text.parse()) {
            (Some(index), Ok(rank)) => ranks[index] = rank,
            (Some(_), Err(_)) => errors.add(leaf.line, field, format!("found {}; it is too large", leaf.text)),
            (None, _) => {
                let names = cluster.node_groups.iter().map(|group| group.name.as_str());
                errors.add(leaf.line, field, not_one_of(&leaf.path, names));
            }
        }
    }
    ranks
}
