// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Profiles
package import Quantities

/// How a kernel's fair scheduler shares one CPU.
package enum SchedulerRules: Hashable, Sendable {
  /// CFS (up to 6.5): the period that all tasks share, the least slice, and the lead in virtual
  /// run time over which a woken task preempts.
  case cfs(latency: Nanoseconds, granularity: Nanoseconds, wakeup: Nanoseconds)
  /// EEVDF (from 6.6): the slice, how much lag a sleeping task keeps at most (two slices or a tick,
  /// whichever is longer), and whether one that sleeps with negative lag keeps its place until the
  /// lag has decayed (from 6.12).
  case eevdf(slice: Nanoseconds, lag: Nanoseconds, delaysDequeue: Bool)

  /// The rules of a release on a host with this many CPUs and a tick this long.
  package init(_ release: ReleaseRules, cpus: Int, jiffy: Nanoseconds) {
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

  /// How long a task keeps the CPU while one other waits.
  package var turn: Nanoseconds {
    switch self {
    case .cfs(let latency, _, _): latency / 2
    case .eevdf(let slice, _, _): slice
    }
  }
}
