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
  package var weight: Int64 = 64
  /// How many ticks raise a softirq of their own (an expired timer): 6 % in the recorded runs
  /// (28 of 503, 95 of 1597), more on hosts with more timers.
  package var tickRaises = Ratio(1, over: 16)

  /// The rules of a release at so many ticks a second.
  package init(_ release: ReleaseRules, hz: Int) {
    skipsWhileThreadRunnable = release.softirqYieldsToKsoftirqd
    jiffies = max(1, (2 * Int64(hz) + 999) / 1_000)
  }
}

extension PreemptionModel {
  /// Whether kernel code that holds no lock can be preempted anywhere.
  package var preemptsKernel: Bool { self == .full || self == .lazy }
}
