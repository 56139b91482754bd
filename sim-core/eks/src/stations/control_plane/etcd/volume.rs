//! The volumes that the members' logs lie on: how long an fsync takes on each, and what is wrong with it.

use crate::ids::MemberId;
use crate::parameters::EtcdParameters;
use crate::probes::Cause;
use crate::quantity::Volume;
use sim_kernel::{Draw, Law, SimDuration, SimTime};

/// The volumes of all members.
#[derive(Clone, Debug)]
pub struct LogVolumes {
    volumes: Vec<LogVolume>,
}

#[derive(Clone, Debug)]
struct LogVolume {
    law: Law,
    /// How many times as long as the law says an fsync takes.
    times: u32,
    stalled_until: SimTime,
    trouble: Cause,
}

impl LogVolume {
    fn sound(member: MemberId, parameters: &EtcdParameters) -> Self {
        let law = match parameters.volumes.of(member.index()) {
            Volume::GeneralPurpose => &parameters.fsync,
            Volume::Io2 => &parameters.fsync_io2,
            Volume::Gp2 => &parameters.fsync_gp2,
        };
        LogVolume { law: law.clone(), times: 1, stalled_until: SimTime::ZERO, trouble: None }
    }
}

impl LogVolumes {
    /// Sound volumes of so many members.
    pub fn new(members: u8, parameters: &EtcdParameters) -> Self {
        LogVolumes { volumes: (0..members).map(|member| LogVolume::sound(MemberId(member), parameters)).collect() }
    }

    /// The length of an fsync on a member's volume, that is asked for at `now`.
    pub fn fsync(&self, member: MemberId, now: SimTime, draw: &mut Draw) -> SimDuration {
        let volume = &self.volumes[member.index()];
        volume.law.duration(draw) * u64::from(volume.times) + volume.stalled_until.saturating_since(now)
    }

    /// A member's fsyncs take `times` times as long from now on, or as another law says.
    pub fn slow_down(&mut self, member: MemberId, law: Option<Law>, times: u32) {
        let volume = &mut self.volumes[member.index()];
        volume.times = times;
        if let Some(law) = law {
            volume.law = law;
        }
    }

    /// No fsync of a member ends before `until`.
    pub fn stall(&mut self, member: MemberId, until: SimTime) {
        self.volumes[member.index()].stalled_until = until;
    }

    /// The fact that tells of a member's bad disk.
    pub fn blame(&mut self, member: MemberId, trouble: Cause) {
        self.volumes[member.index()].trouble = trouble;
    }

    /// The fact that tells of a member's bad disk, if it has one.
    pub fn trouble(&self, member: MemberId) -> Cause {
        self.volumes[member.index()].trouble
    }

    /// A member's disk is sound again.
    pub fn heal(&mut self, member: MemberId, parameters: &EtcdParameters) {
        self.volumes[member.index()] = LogVolume::sound(member, parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use sim_kernel::{Purpose, RunKey};

    fn fsync(volumes: &LogVolumes, member: u8, at: SimTime) -> f64 {
        let mut draw = RunKey::new(1, 0).draw(Purpose::new("test/volume"), 0, 0);
        volumes.fsync(MemberId(member), at, &mut draw).as_secs_f64() * 1e3
    }

    #[test]
    fn each_member_has_its_own_volume_and_its_own_trouble() {
        let mut parameters = Parameters::default();
        parameters.set("etcd.volumes", "general-purpose,io2,gp2").expect("three kinds");
        let etcd = parameters.still().etcd;
        let mut volumes = LogVolumes::new(3, &etcd);
        let start = SimTime::ZERO;
        let sound = [0, 1, 2].map(|member| fsync(&volumes, member, start));
        assert!((sound[0] - 0.55).abs() < 0.01 && (sound[1] - 0.3).abs() < 0.01, "{sound:?}");
        volumes.slow_down(MemberId(0), None, 10);
        volumes.slow_down(MemberId(1), Some(Law::constant(0.03)), 1);
        volumes.stall(MemberId(2), start + SimDuration::from_secs(1));
        let slow = [0, 1, 2].map(|member| fsync(&volumes, member, start));
        assert!((slow[0] - 10.0 * sound[0]).abs() < 1e-6 && slow[1] == 30.0, "{slow:?}");
        assert!((slow[2] - 1000.0 - sound[2]).abs() < 1e-6, "{slow:?}");
        (0..3).for_each(|member| volumes.heal(MemberId(member), &etcd));
        assert_eq!([0, 1, 2].map(|member| fsync(&volumes, member, start)), sound);
    }

    /// facts/control-plane.md, section 12: the mean of the measured gp2 sample is 0.94 ms, that of io2 below 0.5 ms.
    #[test]
    fn the_laws_of_the_volumes_have_the_means_that_were_measured() {
        let etcd = Parameters::default().etcd;
        let mean_ms = |law: &Law| law.mean() * 1e3;
        assert!((0.5..1.3).contains(&mean_ms(&etcd.fsync_gp2)), "{}", mean_ms(&etcd.fsync_gp2));
        assert!((0.2..0.5).contains(&mean_ms(&etcd.fsync_io2)), "{}", mean_ms(&etcd.fsync_io2));
        assert!((0.5..0.7).contains(&mean_ms(&etcd.fsync)), "{}", mean_ms(&etcd.fsync));
    }
}
