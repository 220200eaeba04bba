// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Profiles
public import Quantities

/// How a kernel runs softirqs.
public struct SoftirqRules: Hashable, Sendable {
  /// Up to 6.4: while ksoftirqd is runnable on the CPU, interrupt exits run no softirq at all.
  public var skipsWhileThreadRunnable: Bool
  /// Ticks after which a run does not restart: 2 ms rounded up.
  public var jiffies: Int64
  /// Rounds after which a run does not restart.
  public var rounds = 10
  /// Packets that one poll of a queue takes at most.
  public var weight: Int64 = 64
  /// How many ticks raise a softirq of their own (an expired timer): 6 % in the recorded runs
  /// (28 of 503, 95 of 1597), more on hosts with more timers.
  public var tickRaises = Ratio(1, over: 16)

  /// The rules of a release at so many ticks a second.
  public init(_ release: ReleaseRules, hz: Int) {
    skipsWhileThreadRunnable = release.softirqYieldsToKsoftirqd
    jiffies = max(1, (2 * Int64(hz) + 999) / 1_000)
  }
}

/// How a kernel's fair scheduler shares one CPU.
public enum SchedulerRules: Hashable, Sendable {
  /// CFS (up to 6.5): the period that all tasks share, the least slice, and the lead in virtual
  /// run time over which a woken task preempts.
  case cfs(latency: Nanoseconds, granularity: Nanoseconds, wakeup: Nanoseconds)
  /// EEVDF (from 6.6): the slice, how much lag a sleeping task keeps at most (two slices or a tick,
  /// whichever is longer), and whether one that sleeps with negative lag keeps its place until the
  /// lag has decayed (from 6.12).
  case eevdf(slice: Nanoseconds, lag: Nanoseconds, delaysDequeue: Bool)

  /// The rules of a release on a host with this many CPUs and a tick this long.
  public init(_ release: ReleaseRules, cpus: Int, jiffy: Nanoseconds) {
    let factor: Int64 = cpus >= 8 ? 4 : cpus >= 4 ? 3 : cpus >= 2 ? 2 : 1
    switch release.scheduler {
    case .cfs(let latency, let granularity):
      self = .cfs(
        latency: latency * factor,
        granularity: granularity * factor,
        wakeup: .milliseconds(1) * factor
      )
    case .eevdf(let slice):
      let delays = release.release >= KernelRelease(major: 6, minor: 12)
      let scaled = slice * factor
      self = .eevdf(slice: scaled, lag: max(scaled * 2, jiffy), delaysDequeue: delays)
    }
  }
}

extension PreemptionModel {
  /// Whether kernel code that holds no lock can be preempted anywhere.
  public var preemptsKernel: Bool { self == .full || self == .lazy }
}
