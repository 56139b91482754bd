//! Fargate profiles of a cluster in a scenario.

use super::cluster::{group_zones, text_map};
use super::fields::{Errors, Fields};
use super::tree::quoted;
use sim_eks::plan::{Cluster, FargateProfile, FargateSelector};

/// Reads a Fargate profile; what is wrong is noted.
pub(super) fn profile(fields: &Fields, cluster: &Cluster, errors: &mut Errors) -> Option<FargateProfile> {
    let name = fields.text("name").cloned();
    if let Some(name) = &name
        && cluster.fargate_profiles.iter().any(|profile| profile.name == *name)
    {
        let problem = format!("there is another Fargate profile {}", quoted(name));
        errors.add(fields.line_of("name"), fields.field("name"), problem);
    }
    let selectors = selectors(fields, errors);
    let zones = group_zones(fields, cluster, errors)?;
    let subnets = cluster.network.subnets_in(&zones, false);
    if subnets.iter().any(|subnet| cluster.network.subnets[*subnet].public) {
        let problem = "needs private subnets, and a zone of its has public ones only";
        errors.add(fields.line, fields.field("zones"), problem);
    }
    Some(FargateProfile { name: name?, selectors: selectors?, zones, subnets })
}

fn selectors(fields: &Fields, errors: &mut Errors) -> Option<Vec<FargateSelector>> {
    let listed = fields.tables("selectors")?;
    let most = FargateProfile::SELECTORS_MAX;
    if !(1..=most).contains(&listed.len()) {
        let problem = format!("found {} selectors; a Fargate profile has 1 to {most}", listed.len());
        errors.add(fields.line_of("selectors"), fields.field("selectors"), problem);
    }
    let selector = |fields: &Fields| {
        let namespace = fields.text("namespace")?.clone();
        Some(FargateSelector { namespace, labels: text_map(fields, "labels") })
    };
    Some(listed.iter().filter_map(selector).collect())
}
