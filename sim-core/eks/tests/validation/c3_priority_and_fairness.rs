//! C3: the arithmetic of API Priority and Fairness. Sources: AWS's guide to the scalability of the control plane, the
//! Kubernetes page on flow control, kubernetes/apiserver, and the page on provisioned control planes.

use crate::table::{Allowed, Row, check};
use sim_eks::Parameters;
use sim_eks::aim::Level;
use sim_eks::ids::RequestRef;
use sim_eks::stations::control_plane::flow_control::{Admission, FlowControl, Listed, Width, deal};
use sim_kernel::{Purpose, RunKey, SimDuration, SimTime};

fn row(result: &'static str, what: String, published: f64, found: f64, allowed: Allowed) -> Row {
    Row { result, what, published, found, allowed }
}

fn with_seats(seats: u64) -> FlowControl {
    let mut parameters = Parameters::default().flow_control;
    parameters.seats = seats;
    FlowControl::new(&parameters)
}

#[test]
fn nominal_seats_are_those_that_aws_prints() {
    let flow = with_seats(600);
    let printed = [
        (Level::CatchAll, 13),
        (Level::GlobalDefault, 49),
        (Level::LeaderElection, 25),
        (Level::NodeHigh, 98),
        (Level::System, 74),
        (Level::WorkloadHigh, 98),
        (Level::WorkloadLow, 245),
    ];
    let rows = printed.map(|(level, seats)| {
        let what = format!("nominal seats of {} at 600", level.name());
        row("C3 (a)", what, f64::from(seats), flow.nominal_seats(level) as f64, Allowed::Exactly)
    });
    check(&rows);
}

/// Hand, queues, probability that one, four and sixteen elephants squish a mouse.
const SQUISHED: [(u64, u64, f64, f64, f64); 11] = [
    (12, 32, 4.4288e-09, 0.114313, 0.993509),
    (10, 32, 1.5501e-08, 0.062648, 0.975310),
    (10, 64, 6.6018e-12, 0.0004557, 0.499999),
    (9, 64, 3.6310e-11, 0.0004550, 0.428231),
    (8, 64, 2.2593e-10, 0.0004887, 0.359351),
    (8, 128, 6.9940e-13, 3.4056e-06, 0.027462),
    (7, 128, 1.0579e-11, 6.9608e-06, 0.024062),
    (7, 256, 7.5977e-14, 6.7285e-08, 0.00067097),
    (6, 256, 2.7135e-12, 2.9516e-07, 0.00088957),
    (6, 512, 4.1161e-14, 4.9830e-09, 2.2603e-05),
    (6, 1024, 6.3373e-16, 8.0906e-11, 4.5174e-07),
];

/// The number of ways to choose `chosen` of `from`.
fn ways(from: u64, chosen: u64) -> f64 {
    (0..chosen).fold(1.0, |product, card| product * (from - card) as f64 / (card + 1) as f64)
}

/// Probability that the elephants hold every queue of a mouse, if every hand is as likely: a chain over the number of
/// queues that they hold.
fn chance_of_squishing(hand: u64, queues: u64, elephants: u64) -> f64 {
    let mut held = vec![0.0; queues as usize + 1];
    held[0] = 1.0;
    for _ in 0..elephants {
        let mut more = vec![0.0; queues as usize + 1];
        for old in 0..=queues {
            for new in hand.saturating_sub(old)..=hand.min(queues - old) {
                let chance = ways(queues - old, new) * ways(old, hand - new) / ways(queues, hand);
                more[(old + new) as usize] += held[old as usize] * chance;
            }
        }
        held = more;
    }
    (hand..=queues).map(|old| held[old as usize] * ways(old, hand) / ways(queues, hand)).sum()
}

/// A hand that is dealt is as likely as any other (a test of the dealer shows it), so that the whole table is arithmetic;
/// one elephant squishes the mouse that has its hand: 1 in all hands.
#[test]
fn the_published_table_is_that_of_equally_likely_hands() {
    let mut rows = Vec::new();
    for (hand, queues, one, four, sixteen) in SQUISHED {
        for (elephants, published) in [(1, one), (4, four), (16, sixteen)] {
            let found = chance_of_squishing(hand, queues, elephants);
            let what = format!("squished by {elephants} elephants, {hand} of {queues}");
            rows.push(row("C3 (b)", what, published, found, Allowed::Share(1e-4)));
        }
    }
    check(&rows);
}

/// The share of a million deals, to elephants and mice, in which the elephants hold every queue of their mouse; and how
/// many mice there were.
fn squished(hand: u64, queues: u64, elephants: u64) -> (f64, f64) {
    let mice = 1_000_000 / (elephants + 1);
    let key = RunKey::new(3, 0);
    let mut hits = 0;
    for number in 0..mice {
        let mut draw = key.draw(Purpose::new("test/deal"), number, hand << 32 | queues << 8 | elephants);
        let mut held = [0_u64; 16];
        for _ in 0..elephants {
            for card in deal(draw.next_u64(), queues, hand).cards() {
                held[usize::from(*card) / 64] |= 1 << (card % 64);
            }
        }
        let mouse = deal(draw.next_u64(), queues, hand);
        hits += u64::from(mouse.cards().iter().all(|card| held[usize::from(*card) / 64] & 1 << (card % 64) != 0));
    }
    (hits as f64 / mice as f64, mice as f64)
}

#[test]
fn elephants_squish_a_mouse_as_often_as_published() {
    let mut rows = Vec::new();
    for (hand, queues, _, four, sixteen) in SQUISHED {
        for (elephants, published) in [(4, four), (16, sixteen)] {
            if published < 1e-4 {
                continue; // a million deals do not show it
            }
            let what = format!("squished by {elephants} elephants, {hand} of {queues}, dealt");
            let (found, mice) = squished(hand, queues, elephants);
            let error = (published * (1.0 - published) / mice).sqrt();
            rows.push(row("C3 (b)", what, published, found, Allowed::Off(3.0 * error)));
        }
    }
    check(&rows);
}

#[test]
fn requests_are_as_wide_as_upstream_makes_them() {
    let parameters = Parameters::default().flow_control;
    let wide = |list| Width::of_list(list, 1000, &parameters).initial.into();
    let by_bytes = |bytes, streamed| wide(Listed { objects: 30_000, bytes, streamed, by_bytes: true });
    let mut rows = vec![
        row(
            "C3 (c)",
            "seats of a LIST of 25 MB from etcd, since 1.34".into(),
            100.0,
            by_bytes(25_000_000, false),
            Allowed::Exactly,
        ),
        row(
            "C3 (c)",
            "seats of a LIST of 25 MB streamed from the cache".into(),
            10.0,
            by_bytes(25_000_000, true),
            Allowed::Exactly,
        ),
    ];
    for (objects, seats) in [(450, 5.0), (2500, 10.0)] {
        let found = wide(Listed { objects, bytes: 0, streamed: false, by_bytes: false });
        let what = format!("seats of a LIST of {objects} objects, up to 1.33");
        rows.push(row("C3 (c)", what, seats, found, Allowed::Exactly));
    }
    for (watchers, seats, ms) in [(9, 0.0, 0.0), (10, 1.0, 5.0), (100, 10.0, 5.0), (250, 10.0, 12.5)] {
        let width = Width::of_write(watchers, 1000, &parameters);
        let what = |of| format!("{of} after a write with {watchers} watchers");
        rows.push(row("C3 (c)", what("seats"), seats, width.last.into(), Allowed::Exactly));
        rows.push(row("C3 (c)", what("milliseconds"), ms, width.after.as_secs_f64() * 1e3, Allowed::Exactly));
        let held = seats.max(1.0);
        rows.push(row(
            "C3 (c)",
            format!("seats during a write with {watchers} watchers"),
            held,
            width.held() as f64,
            Allowed::Exactly,
        ));
    }
    check(&rows);
}

#[test]
fn a_queue_takes_fifty_and_a_sustained_flood_climbs_the_ladder() {
    let mut parameters = Parameters::default().flow_control;
    (parameters.system_queues, parameters.system_hand_size) = (1, 1);
    let mut flow = FlowControl::new(&parameters);
    let mut slot = 0;
    let mut arrive = |flow: &mut FlowControl, now| {
        slot += 1;
        flow.arrive(now, Level::System, 1, RequestRef { slot, generation: 0 }, Width::ONE)
    };
    let start = SimTime::ZERO + SimDuration::from_secs(1);
    let seated = (0..).take_while(|_| matches!(arrive(&mut flow, start), Admission::Seated(_))).count();
    let queued = 1 + (0..).take_while(|_| matches!(arrive(&mut flow, start), Admission::Queued(_))).count();
    assert_eq!(seated as u64, flow.seats(Level::System));
    let mut rows =
        vec![row("C3 (c)", "requests in one queue before a 429".into(), 50.0, queued as f64, Allowed::Exactly)];
    let mut ladder = Vec::new();
    for tenth in 0..1_000 {
        let now = start + SimDuration::from_millis(100) * tenth;
        let told = flow.retry_after(now, Level::System);
        if ladder.last() != Some(&told) {
            ladder.push(told);
        }
    }
    for (step, told) in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0].into_iter().zip(&ladder) {
        rows.push(row("C3 (c)", "Retry-After under sustained drops, s".into(), step, *told as f64, Allowed::Exactly));
    }
    assert_eq!(ladder.len(), 6, "{ladder:?}");
    check(&rows);
}

/// Servers and seats of each come from the tier, seats of a level from its share.
#[test]
fn the_seats_of_a_tiers_servers_add_up_to_its_concurrency() {
    let tiers =
        [("XL", 2, 850, 1_700.0), ("2XL", 2, 1_700, 3_400.0), ("4XL", 3, 2_267, 6_800.0), ("8XL", 6, 2_267, 13_600.0)];
    let rows = tiers.map(|(tier, servers, seats, published)| {
        let flow = with_seats(seats);
        // Rounded up for each level, so some seats more than the total.
        let nominal: u64 = Level::ALL.map(|level| flow.nominal_seats(level)).iter().sum();
        let found = (servers * nominal) as f64;
        row("C3 (d)", format!("seats of tier {tier}"), published, found, Allowed::Share(0.005))
    });
    check(&rows);
    let flow = with_seats(2_267);
    let seats =
        [Level::System, Level::NodeHigh, Level::WorkloadLow, Level::CatchAll].map(|level| flow.nominal_seats(level));
    assert_eq!(seats, [278, 371, 926, 47]);
}
