//! The files of a run, in their directory: all of them, or none.

mod place;

use crate::chart::{Figure, PngError, png, svg};
use crate::{Document, Style, figures, html, story, terminal};
pub use place::check_place;
use place::replace_directory;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

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
    /// A file stands where a directory is wanted.
    #[error("{}: is not a directory; name another", path.display())]
    NoDirectory {
        /// The file.
        path: PathBuf,
    },
    /// [`Writing::stop`] was raised.
    #[error("stopped; nothing was written")]
    Stopped,
    /// A picture could not be made.
    #[error("cannot draw {name}: {problem}")]
    Picture {
        /// The plot's name.
        name: String,
        /// Why.
        problem: PngError,
    },
}

impl WriteError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
        let path = path.to_owned();
        move |problem| WriteError::File { path, problem }
    }

    /// The same error as the user sees it: at its place in `out`, not in the directory in which it was written.
    fn seen_from(self, aside: &Path, out: &Path) -> WriteError {
        match self {
            WriteError::File { path, problem } => {
                let path = match path.strip_prefix(aside) {
                    Ok(rest) if rest.as_os_str().is_empty() => out.to_owned(),
                    Ok(rest) => out.join(rest),
                    Err(_) => path,
                };
                WriteError::File { path, problem }
            }
            other => other,
        }
    }
}

/// What goes with the files of a document.
#[derive(Clone, Copy, Default)]
pub struct Writing<'a> {
    /// The text of `run.log`, asked for when all other files are written; no such file if absent.
    pub log: Option<&'a dyn Fn() -> String>,
    /// Ends the writing, as soon as it is raised, with nothing written.
    pub stop: Option<&'a AtomicBool>,
}

impl Writing<'_> {
    fn go_on(&self) -> Result<(), WriteError> {
        match self.stop.is_some_and(|stop| stop.load(Ordering::SeqCst)) {
            true => Err(WriteError::Stopped),
            false => Ok(()),
        }
    }
}

/// Writes `record.json`, `report.html`, `summary.txt`, the plots and `run.log` into the directory `out`, and says what
/// was written.
///
/// An output of an earlier run is replaced as a whole; only where `out` is a mount point, or stands in a directory that
/// may not be written, its files are replaced one by one.
///
/// # Errors
/// `WriteError`; then nothing was changed.
pub fn write_all(document: &Document, out: &Path, writing: Writing<'_>) -> Result<Vec<PathBuf>, WriteError> {
    let (document, record) = document.fitted();
    let plots = plots(&document);
    let stop = writing.stop;
    replace_directory(out, |directory| {
        thread::scope(|scope| {
            // Pictures take longest: they are painted while the rest is written.
            let painter = scope.spawn(|| paint(&plots, stop));
            let mut files = Files { directory, writing, written: Vec::new() };
            files.write("record.json", record.as_bytes())?;
            files.write("report.html", html(&document).as_bytes())?;
            let style = Style { colour: false, width: SUMMARY_WIDTH };
            files.write("summary.txt", terminal(&document, style).as_bytes())?;
            files.directory("plots")?;
            let pictures = painter.join().expect("a painter reports what goes wrong");
            for ((name, figure), picture) in plots.iter().zip(pictures) {
                files.write(&format!("plots/{name}.svg"), svg(figure).as_bytes())?;
                let Some(picture) = picture else { return Err(WriteError::Stopped) };
                let picture = picture.map_err(|problem| WriteError::Picture { name: name.clone(), problem })?;
                files.write(&format!("plots/{name}.png"), &picture)?;
            }
            if let Some(log) = writing.log {
                files.write("run.log", log().as_bytes())?;
            }
            Ok(files.written)
        })
    })
}

/// The pictures of all figures, in their order, painted on all cores; `None` for those that were not begun before
/// `stop` was raised.
fn paint(plots: &[(String, Figure)], stop: Option<&AtomicBool>) -> Vec<Option<Result<Vec<u8>, PngError>>> {
    let next = AtomicUsize::new(0);
    let painter = || {
        let mut painted = Vec::new();
        while !stop.is_some_and(|stop| stop.load(Ordering::SeqCst)) {
            let at = next.fetch_add(1, Ordering::SeqCst);
            let Some((_, figure)) = plots.get(at) else { break };
            painted.push((at, png(figure)));
        }
        painted
    };
    let mut pictures: Vec<_> = plots.iter().map(|_| None).collect();
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from).min(plots.len());
        let painters: Vec<_> = (0..cores).map(|_| scope.spawn(painter)).collect();
        for (at, picture) in
            painters.into_iter().flat_map(|each| each.join().expect("a painter reports what goes wrong"))
        {
            pictures[at] = Some(picture);
        }
    });
    pictures
}

/// The plots by file name: those over all replications, and where there are several cases those of the most telling
/// one.
fn plots(document: &Document) -> Vec<(String, Figure)> {
    let side_by_side = if document.variants.is_empty() { Vec::new() } else { figures::side_by_side(document) };
    let mut plots: Vec<_> = figures::of_all(&document.plan, &document.findings)
        .into_iter()
        .chain(side_by_side)
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
    writing: Writing<'a>,
    written: Vec<PathBuf>,
}

impl Files<'_> {
    fn directory(&self, name: &str) -> Result<(), WriteError> {
        let path = self.directory.join(name);
        fs::create_dir(&path).map_err(|problem| WriteError::File { path, problem })
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        self.writing.go_on()?;
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
