#[path = "../tests/story/mod.rs"]
mod story;
use sim_study::Subject;
use std::time::Instant;
fn main() {
    let replace = std::env::args().nth(1).unwrap_or("true".into());
    let mut s = story::story(1000)
        .placed("a,b", "a", "a")
        .zone_a_goes_dark()
        .set("node_group.replace_instances", &replace)
        .with_externals();
    s.plan.deployments = (0..20).map(|i| story::deployment(&format!("web{i}"), 500)).collect();
    for _ in 0..3 {
        let t = Instant::now();
        let mut run = s.start();
        let t1 = t.elapsed();
        run.run_until(s.plan.end()).unwrap();
        let t2 = t.elapsed();
        let costs = run.costs();
        let record = run.finish();
        println!("start {t1:?} total {t2:?} {costs:?}");
        if std::env::args().nth(2).is_some() {
            for m in &record.measures {
                println!("{:40} {:?}", m.name, m.value);
            }
            for fact in &record.timeline {
                println!(
                    "{:4} {:>4} {} {} x{} {}",
                    fact.id,
                    fact.cause.map_or(String::new(), |c| c.to_string()),
                    fact.first,
                    fact.last,
                    fact.count,
                    fact.text
                );
            }
            for b in &record.balances {
                println!("{} {b:?}", b.holds());
            }
            break;
        }
    }
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", s.lines().find(|l| l.starts_with("VmHWM")).unwrap());
}
