// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Profiles
package import Quantities

/// How a kernel runs softirqs.
package struct SoftirqRules: Hashable, Sendable {
  /// Up to 6.4: while ksoftirqd is runnable on the CPU, interrupt exits run no softirq at all.
  package var skipsWhileThreadRunnable: Bool
  /// Ticks after which a run does not restart: 2 ms rounded up.
  package var jiffies: Int64
  /// Rounds after which a run does not restart.
  package var rounds = 10
  /// Packets that one poll of a queue takes at most.
  package static let weight: Int64 = 64
  /// How many ticks raise a softirq of their own.
  package var tickRaises: Ratio

  /// The rules of a release at so many ticks a second, of which one in so many raises a softirq.
  package init(_ release: ReleaseRules, hz: Int, ticksPerSoftirq: Int) {
    skipsWhileThreadRunnable = release.softirqYieldsToKsoftirqd
    tickRaises = Ratio(1, over: Int64(ticksPerSoftirq))
    jiffies = max(1, (2 * Int64(hz) + 999) / 1_000)
  }
}

extension PreemptionModel {
  /// Whether kernel code that holds no lock can be preempted anywhere.
  package var preemptsKernel: Bool { self == .full || self == .lazy }
}
