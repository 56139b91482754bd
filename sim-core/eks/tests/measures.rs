//! What a record measures is what the list says that objectives may bound.

mod story;

use sim_eks::record::{MEASURES, client_measures};
use story::story;

#[test]
fn a_record_has_exactly_the_listed_measures_in_their_order() {
    for (told, nodes) in [("an empty cluster", 0), ("a cluster", 6)] {
        let story = story(nodes).zone_a_goes_dark();
        let of_clients = client_measures(&story.plan.clients);
        let listed: Vec<&str> = MEASURES.iter().copied().chain(of_clients.iter().map(String::as_str)).collect();
        let record = story.record();
        let names: Vec<&str> = record.measures.iter().map(|measure| measure.name.as_str()).collect();
        assert_eq!(names, listed, "{told}");
    }
}
