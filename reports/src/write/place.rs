//! The place of an output: it is filled aside and then put there, so that what a reader finds is whole.

use super::WriteError;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// What a run leaves in its output directory.
const OURS: [&str; 5] = ["record.json", "report.html", "summary.txt", "plots", "run.log"];
/// What our directory within a place begins with.
const WITHIN: &str = ".ekssim-";
/// Runs that may put their output into one place at once before one of them gives up.
const ATTEMPTS: usize = 100;

/// Whether an output may go to `out`: nothing is there, or an empty directory, or what an earlier run wrote.
///
/// # Errors
/// `WriteError` if anything else is there, or if a file stands where a directory is wanted.
pub fn check_place(out: &Path) -> Result<(), WriteError> {
    let ancestors = out.ancestors().filter(|path| !path.as_os_str().is_empty());
    if let Some(file) = ancestors.into_iter().find(|path| path.exists()).filter(|path| !path.is_dir()) {
        return Err(WriteError::NoDirectory { path: file.to_owned() });
    }
    refuse_what_is_not_ours(&settled(out))
}

/// Fills a new directory, then puts it in the place of `out`. The paths that `fill` names are those of the new
/// directory's files; they are handed out as they are in `out`.
///
/// The new directory stands beside `out` and takes its name at the end. Where that cannot be, because `out` is a mount
/// point or its parent is not ours, it stands within `out`, and its files take their names one by one.
pub(super) fn replace_directory(
    out: &Path,
    fill: impl Fn(&Path) -> Result<Vec<PathBuf>, WriteError>,
) -> Result<Vec<PathBuf>, WriteError> {
    let place = settled(out);
    check_place(out)?;
    let written = match beside(&place, out, &fill) {
        Err(WriteError::File { problem, .. }) if place.is_dir() && is_of_the_place(&problem) => {
            within(&place, out, &fill)
        }
        other => other,
    }?;
    Ok(written.into_iter().map(|name| out.join(name)).collect())
}

/// A link to a directory stays a link: what it points to is replaced.
fn settled(out: &Path) -> PathBuf {
    fs::canonicalize(out).unwrap_or_else(|_| out.to_owned())
}

/// Whether a problem comes of where a directory stands, not of what is written into it.
fn is_of_the_place(problem: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(problem.kind(), ResourceBusy | CrossesDevices | PermissionDenied | ReadOnlyFilesystem)
}

fn beside(
    place: &Path,
    out: &Path,
    fill: impl Fn(&Path) -> Result<Vec<PathBuf>, WriteError>,
) -> Result<Vec<PathBuf>, WriteError> {
    let name = place.file_name().ok_or_else(|| WriteError::at(out)(io::Error::other("a directory needs a name")))?;
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Dropped after what is aside.
    let _made = MadeParent::of(parent)?;
    let sibling = |what: &str| parent.join(format!(".{}.{what}-{}", name.to_string_lossy(), std::process::id()));
    let aside = Aside::new(sibling("writing"), out)?;
    let written = fill(&aside.path).map_err(|error| error.seen_from(&aside.path, out))?;
    exchange(&aside.path, place, &sibling("old")).map_err(|error| error.seen_from(place, out))?;
    Ok(written)
}

/// The directories above a place, of which those that were made for it are removed again if they stay empty.
struct MadeParent(Vec<PathBuf>);

impl MadeParent {
    fn of(parent: &Path) -> Result<MadeParent, WriteError> {
        let missing = parent.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let made = MadeParent(missing.map(Path::to_owned).collect());
        fs::create_dir_all(parent).map_err(WriteError::at(parent))?;
        Ok(made)
    }
}

impl Drop for MadeParent {
    fn drop(&mut self) {
        // Directories that hold anything stay: the output, or what others put there meanwhile.
        let _ = self.0.iter().try_for_each(fs::remove_dir);
    }
}

/// Puts the directory `new` in the place of whatever output is there, which is removed.
fn exchange(new: &Path, place: &Path, old: &Path) -> Result<(), WriteError> {
    for _ in 0..ATTEMPTS {
        // Another run may have put its output here meanwhile.
        refuse_what_is_not_ours(place)?;
        let had_old = match fs::rename(place, old) {
            Ok(()) => true,
            Err(problem) if problem.kind() == ErrorKind::NotFound => false,
            Err(problem) => return Err(WriteError::at(place)(problem)),
        };
        let Err(problem) = fs::rename(new, place) else {
            // The new output stands; what is left of the old one hurts nobody.
            let _ = fs::remove_dir_all(old);
            return Ok(());
        };
        let overtaken = matches!(problem.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists);
        if had_old && overtaken {
            let _ = fs::remove_dir_all(old);
        } else if had_old {
            // The earlier output goes back; if even that fails, it is still whole in its sibling directory.
            let _ = fs::rename(old, place);
        }
        if !overtaken {
            return Err(WriteError::at(place)(problem));
        }
    }
    Err(WriteError::at(place)(io::Error::other("other runs write to it all the time")))
}

fn within(
    place: &Path,
    out: &Path,
    fill: impl Fn(&Path) -> Result<Vec<PathBuf>, WriteError>,
) -> Result<Vec<PathBuf>, WriteError> {
    let aside = Aside::new(place.join(format!("{WITHIN}{}", std::process::id())), out)?;
    let written = fill(&aside.path).map_err(|error| error.seen_from(&aside.path, out))?;
    for name in OURS {
        let (new, old) = (aside.path.join(name), place.join(name));
        let removed = match () {
            () if old.is_dir() => fs::remove_dir_all(&old),
            // A file is replaced in one step.
            () if old.exists() && !new.exists() => fs::remove_file(&old),
            () => Ok(()),
        };
        let moved = removed.and_then(|()| if new.exists() { fs::rename(&new, &old) } else { Ok(()) });
        moved.map_err(WriteError::at(&out.join(name)))?;
    }
    Ok(written)
}

/// A directory that is removed unless it was renamed.
struct Aside {
    path: PathBuf,
}

impl Aside {
    /// `out` is what the user knows it as.
    fn new(path: PathBuf, out: &Path) -> Result<Aside, WriteError> {
        // What lies there was left by a killed process that had the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(WriteError::at(out))?;
        Ok(Aside { path })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Refuses a place that holds anything that no run of this program wrote.
fn refuse_what_is_not_ours(place: &Path) -> Result<(), WriteError> {
    let foreign = |entry: PathBuf| WriteError::NotOurs { directory: place.to_owned(), entry };
    if !place.exists() {
        return Ok(());
    }
    let mut names = entries(place)?;
    names.retain(|name| !name.to_string_lossy().starts_with(WITHIN));
    if let Some(name) = names.iter().find(|name| !OURS.iter().any(|ours| Path::new(ours) == name.as_path())) {
        return Err(foreign(name.clone()));
    }
    let ours = || is_our_record(&place.join("record.json"));
    // Another run may have replaced it between two looks.
    if !names.is_empty() && !ours() && place.exists() && !ours() {
        return Err(foreign(names[0].clone()));
    }
    if !place.join("plots").is_dir() {
        return Ok(());
    }
    let picture = |name: &PathBuf| name.extension().is_some_and(|extension| extension == "svg" || extension == "png");
    match entries(&place.join("plots"))?.into_iter().find(|name| !picture(name)) {
        Some(name) => Err(foreign(Path::new("plots").join(name))),
        None => Ok(()),
    }
}

/// Names in a directory, sorted; none if another run has just moved it away.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let names = || -> io::Result<Vec<PathBuf>> {
        let mut names =
            fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().into())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    match names() {
        Err(problem) if problem.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(WriteError::at(directory)),
    }
}

/// Whether a file begins as a record of any schema does.
fn is_our_record(path: &Path) -> bool {
    let mut head = [0u8; 64];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut head));
    read.is_ok_and(|length| {
        let head = String::from_utf8_lossy(&head[..length]);
        head.starts_with("{\n\"schema\":") && head.contains("\"program\":\"ekssim ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = b"{\n\"schema\":1,\n\"program\":\"ekssim 0.1.0\"}";

    fn names(directory: &Path) -> Vec<PathBuf> {
        entries(directory).expect("readable")
    }

    fn record(aside: &Path) -> Result<Vec<PathBuf>, WriteError> {
        fs::write(aside.join("record.json"), RECORD).expect("writable");
        fs::create_dir(aside.join("plots")).expect("writable");
        fs::write(aside.join("plots/a.png"), "a").expect("writable");
        Ok(vec!["record.json".into()])
    }

    #[test]
    fn a_failure_leaves_the_earlier_output_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let out = parent.path().join("out");
        replace_directory(&out, record).expect("nothing stands in the way");
        let error = replace_directory(&out, |aside| {
            let path = aside.join("report.html");
            fs::write(&path, "half").expect("writable");
            Err(WriteError::File { path, problem: ErrorKind::StorageFull.into() })
        })
        .expect_err("the disk is full");
        assert_eq!(error.to_string(), format!("cannot write {}: no storage space", out.join("report.html").display()));
        assert_eq!(names(parent.path()), [PathBuf::from("out")]);
        assert_eq!(names(&out), [PathBuf::from("plots"), "record.json".into()]);
        let ended = replace_directory(&parent.path().join("a/b/out"), |_| Err(WriteError::Stopped));
        assert!(ended.is_err());
        assert_eq!(names(parent.path()), [PathBuf::from("out")], "no parent is left either");
    }

    #[test]
    fn what_others_wrote_is_never_replaced() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        for name in ["notes.md", "record.json", "report.html"] {
            let out = parent.path().join(format!("with-{name}"));
            fs::create_dir(&out).expect("writable");
            fs::write(out.join(name), "mine").expect("writable");
            let error = replace_directory(&out, |_| Ok(vec![])).expect_err("foreign");
            assert!(error.to_string().contains("is in the way"), "{error}");
            assert!(out.join(name).exists());
        }
        let file = parent.path().join("file");
        fs::write(&file, "mine").expect("writable");
        for out in [file.clone(), file.join("out"), file.join("a/b")] {
            let error = replace_directory(&out, |_| Ok(vec![])).expect_err("a file");
            assert_eq!(error.to_string(), format!("{}: is not a directory; name another", file.display()));
        }
    }

    #[test]
    fn an_empty_directory_and_a_missing_parent_are_fine() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let out = parent.path().join("a/b/out");
        replace_directory(&out, |_| Ok(vec![])).expect("parents are made");
        replace_directory(&out, |_| Ok(vec![])).expect("an empty directory is nobody's");
    }

    #[test]
    fn within_a_mount_point_an_output_is_replaced_file_by_file() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let out = parent.path().join("out");
        fs::create_dir_all(out.join(format!("{WITHIN}0"))).expect("writable");
        within(&out, &out, record).expect("nothing stands in the way");
        fs::write(out.join("run.log"), "took 1 s").expect("writable");
        fs::write(out.join("plots/b.png"), "b").expect("writable");
        check_place(&out).expect("ours, and what a killed run of ours left");
        within(&out, &out, record).expect("an earlier output");
        assert_eq!(names(&out.join("plots")), [PathBuf::from("a.png")]);
        assert!(!out.join("run.log").exists(), "what the new output has not is gone");
        assert_eq!(names(parent.path()), [PathBuf::from("out")]);
    }

    #[test]
    fn runs_that_write_to_one_place_at_once_leave_the_output_of_one() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let out = parent.path().join("out");
        std::thread::scope(|scope| {
            for run in 0..8 {
                let (parent, out) = (parent.path(), &out);
                scope.spawn(move || {
                    for _ in 0..20 {
                        let [new, old] = ["new", "old"].map(|what| parent.join(format!("{what}-{run}")));
                        fs::create_dir(&new).expect("writable");
                        record(&new).expect("writable");
                        exchange(&new, out, &old).expect("each has its turn");
                    }
                });
            }
        });
        assert_eq!(names(parent.path()), [PathBuf::from("out")]);
        assert_eq!(names(&out), [PathBuf::from("plots"), "record.json".into()]);
    }
}
