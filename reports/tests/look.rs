mod common;
use reports::*;
#[test]
fn look() {
    for n in [1, 8] {
        let d = common::document(n);
        println!("{}", terminal(&d, Style { colour: false, width: 100 }));
        let out = std::path::PathBuf::from(format!("/tmp/look-{n}"));
        println!("{:?}", write_all(&d, &out).map_err(|e| e.to_string()));
    }
}
