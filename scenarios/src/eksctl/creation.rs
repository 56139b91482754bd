//! What eksctl does beside the cluster itself when it creates one from a file: service accounts and add-ons.

use super::document::Node;
use super::vpc::{has_subnets, inner, is_fully_private, truth};
use sim_eks::plan::Wishes;

/// Add-ons for which EKS recommends policies.
const WITH_POLICIES: [&str; 2] = ["aws-ebs-csi-driver", "aws-efs-csi-driver"];

/// Reads what a file asks for.
pub(super) fn wishes(root: &Node) -> Wishes {
    Wishes {
        vpc_is_given: has_subnets(root) || inner(root, "vpc", "id").is_some(),
        ends_private: is_fully_private(root) && root.get("outpost").is_none(),
        with_oidc: truth(root, "iam", "withOIDC") == Some(true),
        service_accounts: service_accounts(root),
        addons: addons(root),
        no_default_addons: truth(root, "addonsConfig", "disableDefaultAddons") == Some(true),
    }
}

fn service_accounts(root: &Node) -> Vec<String> {
    let listed = inner(root, "iam", "serviceAccounts").into_iter().flat_map(|list| list.node.items());
    let name = |(_, account): (usize, &Node)| {
        let metadata = account.get("metadata")?;
        let text = |field: &str| metadata.node.get(field).and_then(|entry| entry.node.text());
        Some(format!("{}/{}", text("namespace").unwrap_or("default"), text("name")?))
    };
    // With a role of its own it gets no stack.
    listed.filter(|(_, account)| account.get("attachRoleARN").is_none()).filter_map(name).collect()
}

fn addons(root: &Node) -> Vec<(String, bool)> {
    let listed = root.get("addons").into_iter().flat_map(|list| list.node.items());
    let addon = |(_, addon): (usize, &Node)| {
        let name = addon.get("name")?.node.text()?.to_ascii_lowercase();
        let own =
            ["attachPolicy", "attachPolicyARNs", "wellKnownPolicies"].iter().any(|field| addon.get(field).is_some());
        let given = addon.get("serviceAccountRoleARN").is_some();
        let needs_role = !given && (own || WITH_POLICIES.contains(&name.as_str()));
        Some((name, needs_role))
    };
    listed.filter_map(addon).collect()
}
