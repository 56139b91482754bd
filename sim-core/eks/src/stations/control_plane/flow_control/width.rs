//! How wide a request is: the seats that it takes while it is served, and those that its watchers' work takes afterwards.

use crate::parameters::FlowControlParameters;
use sim_kernel::SimDuration;

/// What a LIST reads.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Objects that it goes through.
    pub objects: u64,
    /// Their bytes in all.
    pub bytes: u64,
    /// Whether it comes from the watch cache, object by object.
    pub streamed: bool,
    /// Whether its seats follow its bytes, or its objects.
    pub by_bytes: bool,
}

/// The seats of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// While it is served.
    pub initial: u16,
    /// Afterwards, for [`Width::after`].
    pub last: u16,
    /// How long the last seats are held after its end.
    pub after: SimDuration,
}

impl Width {
    /// One seat, and nothing afterwards.
    pub const ONE: Width = Width { initial: 1, last: 0, after: SimDuration::ZERO };

    /// The seats that it holds while it is served: those of the end too, lest it wait for them in the middle.
    pub fn held(self) -> u64 {
        u64::from(self.initial.max(self.last))
    }

    /// A LIST takes at most `most` seats.
    pub fn of_list(list: Listed, most: u64, parameters: &FlowControlParameters) -> Self {
        let Listed { objects, bytes, streamed, by_bytes } = list;
        let seats = if by_bytes {
            let counted = if streamed { bytes.min(parameters.list_streamed_bytes_max) } else { bytes };
            counted.div_ceil(parameters.list_bytes_per_seat).min(parameters.list_seats_max_by_bytes)
        } else {
            objects.div_ceil(parameters.list_objects_per_seat).min(parameters.seats_max)
        };
        Width { initial: seats.min(most).max(1) as u16, ..Width::ONE }
    }

    /// A write of an object with so many watchers: from `watchers_per_seat` on it takes seats after its end, for the
    /// events. Too many seats become a longer time of `most` or fewer, the area is the same.
    pub fn of_write(watchers: u64, most: u64, parameters: &FlowControlParameters) -> Self {
        if watchers < parameters.watchers_per_seat {
            return Width::ONE;
        }
        let seats = watchers.div_ceil(parameters.watchers_per_seat);
        let last = seats.min(parameters.seats_max).min(most).max(1);
        Width { initial: 1, last: last as u16, after: parameters.watcher_work * seats / last }
    }
}
