// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import Quantities

extension RunReport {
  /// Takes over what a running guest saw of notifier calls; counts and times of a part of the operation
  /// are scaled to the whole by its calls.
  mutating func add(
    _ seen: GuestMeasured,
    of guest: RunningGuest,
    in time: Nanoseconds,
    _ plan: WorkPlan
  ) {
    var outcome = GuestOutcome()
    outcome.calls = plan.notifierCalls
    let scale = Double(outcome.calls) / Double(max(1, seen.calls))
    func scaled(_ count: Int64) -> Int64 { Int64((Double(count) * scale).rounded()) }
    let length = max(1e-9, time.inSeconds)
    outcome.turningBack = min(1, seen.inProgress.inSeconds / length)
    outcome.faultTime = .seconds(rounding: seen.faultTime.inSeconds * scale)
    outcome.worstStall = seen.faults.latency.max ?? .zero
    outcome.refills = scaled(seen.flushes) * Int64(guest.vcpus)
    if seen.flushes > 0 { outcome.refilling = guest.refilling(every: time / seen.flushes) }
    let faulting = min(1, seen.faultTime.inSeconds / length / Double(guest.vcpus))
    outcome.lost = 1 - (1 - faulting) * (1 - outcome.refilling)
    self.guest = outcome
    var faults = seen.faults
    faults.faults = scaled(faults.faults)
    faults.retries = scaled(faults.retries)
    faults.notifierCalls = outcome.calls
    self.faults = faults
  }
}

extension WorkPlan {
  /// Notifier calls that a running guest sees.
  fileprivate var notifierCalls: Int64 {
    groups.reduce(0) { sum, group in
      sum + Int64(group.steps.count { $0.notifier != nil }) * group.repeats
    }
  }
}
