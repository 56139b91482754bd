//! Variants: the same scenario with other parameters, to be run side by side.

use super::Request;
use super::fields::{Errors, Fields, Leaf};
use super::network;
use super::settings;
use super::tree::quoted;
use sim_eks::plan::{Cluster, Network, Note, Variant};

/// Most variants of a scenario: more are a sweep, and no reader compares them side by side.
const MOST: usize = 8;

/// Resolves the variants of a file: the scenario's own parameters, the variant's over them, `--set` over both; the
/// scenario's network, and what the variant changes of it.
pub(crate) fn resolve(
    file: &Fields,
    leaves: &[Leaf],
    request: &Request<'_>,
    cluster: &Cluster,
    notes: &mut Vec<Note>,
    errors: &mut Errors,
) -> Vec<Variant> {
    let tables = file.tables("variants").map_or(&[][..], Vec::as_slice);
    if tables.len() > MOST {
        errors.add(file.line_of("variants"), "variants", format!("found {}; at most {MOST} are allowed", tables.len()));
        return Vec::new();
    }
    let mut taken: Vec<String> = file.text("base").cloned().into_iter().collect();
    let mut variants = Vec::new();
    for table in tables {
        let Some(name) = table.text("name") else { continue };
        check(table, name, &taken, errors);
        taken.push(name.clone());
        let own = table.leaves("parameters").map_or(&[][..], Vec::as_slice);
        let together: Vec<Leaf> = leaves.iter().chain(own).cloned().collect();
        let mut settings = settings::resolve(&together, request.sets, Some(cluster.version), errors);
        settings.check(cluster, errors);
        if request.still {
            settings.parameters = settings.parameters.clone().still();
        }
        let file_name = errors.file_name();
        variants.push(Variant {
            name: name.clone(),
            settings: settings.list(&file_name),
            parameters: settings.parameters,
            network: network_of(table, &cluster.network, notes, errors),
        });
    }
    variants
}

fn check(table: &Fields, name: &String, taken: &[String], errors: &mut Errors) {
    if !table.has("parameters") && !table.has("network") {
        let problem = "is the scenario itself: give it parameters, or a network";
        errors.add(table.line, table.path.clone(), problem);
    }
    if taken.contains(name) {
        let problem = format!("{} is the name of another variant, or of the scenario itself", quoted(name));
        errors.add(table.line_of("name"), table.field("name"), problem);
    }
}

/// The network of a variant, where it has one of its own.
fn network_of(table: &Fields, base: &Network, notes: &mut Vec<Note>, errors: &mut Errors) -> Option<Network> {
    let fields = table.table("network")?;
    let mut network = base.clone();
    network::amend(Some(fields), &mut network, notes, errors);
    Some(network)
}
