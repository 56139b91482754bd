//! The output directory: everything is written beside it and renamed at the end, so that what a reader finds is whole.

use crate::chart::{Figure, PngError, png, svg};
use crate::{Document, Style, figures, html, story, terminal};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The width of `summary.txt`.
const SUMMARY_WIDTH: usize = 100;

/// Why the output could not be written. Nothing half-written is left, and an earlier output stands as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or directory could not be written: no space, no right, no such place.
    #[error("cannot write {}: {problem}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        problem: io::Error,
    },
    /// What stands in the place of the output was not written by this program.
    #[error(
        "{} is in the way: it holds {}, which ekssim did not write; move it away or name another directory",
        directory.display(), entry.display()
    )]
    NotOurs {
        /// The directory that was to be replaced.
        directory: PathBuf,
        /// The first entry that is not of an earlier run.
        entry: PathBuf,
    },
    /// A picture could not be made.
    #[error("cannot draw {name}: {problem}")]
    Picture {
        /// The plot's name.
        name: String,
        /// Why.
        problem: PngError,
    },
}

/// Writes `record.json`, `report.html`, `summary.txt` and the plots into the directory `out`, and says what was
/// written.
///
/// An output of an earlier run is replaced as a whole.
///
/// # Errors
/// `WriteError`; then nothing was changed.
pub fn write_all(document: &Document, out: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let (document, record) = document.fitted();
    replace_directory(out, |directory| {
        let mut files = Files { directory, written: Vec::new() };
        files.write("record.json", record.as_bytes())?;
        files.write("report.html", html(&document).as_bytes())?;
        files.write("summary.txt", terminal(&document, Style { colour: false, width: SUMMARY_WIDTH }).as_bytes())?;
        files.directory("plots")?;
        for (name, figure) in plots(&document) {
            files.write(&format!("plots/{name}.svg"), svg(&figure).as_bytes())?;
            let picture = png(&figure).map_err(|problem| WriteError::Picture { name: name.clone(), problem })?;
            files.write(&format!("plots/{name}.png"), &picture)?;
        }
        Ok(files.written)
    })
}

/// The plots by file name: those over all replications, and where there are several cases those of the most telling
/// one.
fn plots(document: &Document) -> Vec<(String, Figure)> {
    let mut plots: Vec<_> = figures::of_all(&document.plan, &document.findings)
        .into_iter()
        .map(|figure| (figure.name.clone(), figure))
        .collect();
    let telling = story::telling_case(&document.findings);
    let record = document.records.get(telling).filter(|_| document.findings.cases.len() > 1);
    for figure in record.map(|record| figures::of_run(&document.plan, record)).unwrap_or_default() {
        let case = telling + 1;
        let title = format!("{}, case {case}", figure.title);
        plots.push((format!("case-{case}-{}", figure.name), Figure { title, ..figure }));
    }
    plots
}

/// The files of one output directory.
struct Files<'a> {
    directory: &'a Path,
    written: Vec<PathBuf>,
}

impl Files<'_> {
    fn directory(&self, name: &str) -> Result<(), WriteError> {
        let path = self.directory.join(name);
        fs::create_dir(&path).map_err(|problem| WriteError::File { path, problem })
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let path = self.directory.join(name);
        let written = fs::File::create_new(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            // A full disk or a dead one may say so only now.
            file.sync_data()
        });
        written.map_err(|problem| WriteError::File { path, problem })?;
        self.written.push(PathBuf::from(name));
        Ok(())
    }
}

/// Fills a new directory beside `out`, then puts it in the place of `out`. The paths that `fill` names are those of the
/// new directory's files; they are handed out as they are in `out`.
fn replace_directory(
    out: &Path,
    fill: impl FnOnce(&Path) -> Result<Vec<PathBuf>, WriteError>,
) -> Result<Vec<PathBuf>, WriteError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |problem| WriteError::File { path, problem }
    };
    // A link to a directory stays a link: what it points to is replaced.
    let place = fs::canonicalize(out).unwrap_or_else(|_| out.to_owned());
    refuse_what_is_not_ours(&place)?;
    let name = place.file_name().ok_or_else(|| at(out)(io::Error::other("a directory needs a name")))?;
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    let sibling = |what: &str| parent.join(format!(".{}.{what}-{}", name.to_string_lossy(), std::process::id()));
    let aside = Aside::new(sibling("writing"))?;
    let written = fill(&aside.path).map_err(|error| error.seen_from(&aside.path, out))?;
    let old = sibling("old");
    let had_old = place.exists();
    if had_old {
        fs::rename(&place, &old).map_err(at(out))?;
    }
    if let Err(problem) = fs::rename(&aside.path, &place) {
        if had_old {
            // The earlier output goes back; if even that fails, it is still whole in its sibling directory.
            let _ = fs::rename(&old, &place);
        }
        return Err(at(out)(problem));
    }
    if had_old {
        // The new output stands; what is left of the old one hurts nobody.
        let _ = fs::remove_dir_all(&old);
    }
    Ok(written.into_iter().map(|name| out.join(name)).collect())
}

impl WriteError {
    /// The same error as the user sees it: at its place in `out`, not in the directory beside it.
    fn seen_from(self, aside: &Path, out: &Path) -> WriteError {
        match self {
            WriteError::File { path, problem } => {
                let path = path.strip_prefix(aside).map(|rest| out.join(rest)).unwrap_or(path);
                WriteError::File { path, problem }
            }
            other => other,
        }
    }
}

/// A directory that is removed unless it was renamed.
struct Aside {
    path: PathBuf,
}

impl Aside {
    fn new(path: PathBuf) -> Result<Aside, WriteError> {
        // What lies there was left by a killed process that had the same number.
        let _ = fs::remove_dir_all(&path);
        match fs::create_dir(&path) {
            Ok(()) => Ok(Aside { path }),
            Err(problem) => Err(WriteError::File { path, problem }),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What a run leaves in its output directory.
const OURS: [&str; 5] = ["record.json", "report.html", "summary.txt", "plots", "run.log"];

/// Refuses a place that holds anything that no run of this program wrote.
fn refuse_what_is_not_ours(place: &Path) -> Result<(), WriteError> {
    let foreign = |entry: PathBuf| WriteError::NotOurs { directory: place.to_owned(), entry };
    if !place.exists() {
        return Ok(());
    }
    if !place.is_dir() {
        return Err(foreign(PathBuf::from("a file")));
    }
    let names = entries(place)?;
    if let Some(name) = names.iter().find(|name| !OURS.iter().any(|ours| Path::new(ours) == name.as_path())) {
        return Err(foreign(name.clone()));
    }
    if !names.is_empty() && !is_our_record(&place.join("record.json")) {
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

/// Names in a directory, sorted.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let names = || -> io::Result<Vec<PathBuf>> {
        let mut names =
            fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().into())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    names().map_err(|problem| WriteError::File { path: directory.to_owned(), problem })
}

/// Whether a file begins as a record of any schema does.
fn is_our_record(path: &Path) -> bool {
    let mut head = [0u8; 64];
    let read = fs::File::open(path).and_then(|mut file| io::Read::read(&mut file, &mut head));
    read.is_ok_and(|length| {
        let head = String::from_utf8_lossy(&head[..length]);
        head.starts_with("{\n\"schema\":") && head.contains("\"program\":\"ekssim ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<PathBuf> {
        entries(directory).expect("readable")
    }

    #[test]
    fn a_failure_leaves_the_earlier_output_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let out = parent.path().join("out");
        replace_directory(&out, |aside| {
            let record = b"{\n\"schema\":1,\n\"program\":\"ekssim 0.1.0\"}";
            fs::write(aside.join("record.json"), record).expect("writable");
            Ok(vec![])
        })
        .expect("nothing stands in the way");
        let error = replace_directory(&out, |aside| {
            let path = aside.join("report.html");
            fs::write(&path, "half").expect("writable");
            Err(WriteError::File { path, problem: io::ErrorKind::StorageFull.into() })
        })
        .expect_err("the disk is full");
        assert_eq!(error.to_string(), format!("cannot write {}: no storage space", out.join("report.html").display()));
        assert_eq!(names(parent.path()), [PathBuf::from("out")]);
        assert_eq!(names(&out), [PathBuf::from("record.json")]);
    }

    #[test]
    fn what_others_wrote_is_never_replaced() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        for (name, ours) in [("notes.md", false), ("record.json", false), ("report.html", false)] {
            let out = parent.path().join(format!("with-{name}"));
            fs::create_dir(&out).expect("writable");
            fs::write(out.join(name), "mine").expect("writable");
            let error = replace_directory(&out, |_| Ok(vec![])).expect_err("foreign");
            assert!(error.to_string().contains("is in the way"), "{error}");
            assert!(out.join(name).exists() && !ours);
        }
        let file = parent.path().join("file");
        fs::write(&file, "mine").expect("writable");
        assert!(matches!(replace_directory(&file, |_| Ok(vec![])), Err(WriteError::NotOurs { .. })));
    }

    #[test]
    fn an_empty_directory_and_a_missing_parent_are_fine() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let out = parent.path().join("a/b/out");
        replace_directory(&out, |_| Ok(vec![])).expect("parents are made");
        replace_directory(&out, |_| Ok(vec![])).expect("an empty directory is nobody's");
    }
}
