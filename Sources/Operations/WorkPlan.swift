// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// What the walker's task does in one step of its plan.
package enum WorkKind: Hashable, Sendable {
  /// Stage-2 work: chunks of a walk.
  case stageTwo
  /// The host's own work: zapping and freeing pages, system calls.
  case hostSide
  /// The task sleeps.
  case sleep
  /// The task gives the CPU to whoever else is runnable (`sched_yield`).
  case yield
}

/// A controller that joins units into chunks: it starts with the longest, halves where somebody
/// waited at a chunk's end, and doubles after quiet chunks.
package struct UnitController: Hashable, Sendable {
  /// Units of the longest chunk, at least one.
  package var longest: Int64
  /// Quiet chunks after which the chunk doubles, at least one.
  package var patience: Int

  /// Creates a controller.
  package init(longest: Int64, patience: Int) {
    precondition(longest > 0 && patience > 0, "a chunk has units, and patience is a number")
    self.longest = longest
    self.patience = patience
  }
}

/// One step of the walker's plan: a number of equal units of CPU work in a row.
package struct WorkStep: Hashable, Sendable {
  /// What the step does.
  package var kind: WorkKind
  /// The CPU time of one unit: a chunk, a batch of freed pages, a sleep.
  package var unit: Nanoseconds
  /// How many units follow one another, at least one.
  package var units: Int64
  /// Whether mmu_lock is held for write, which forbids preemption on every model.
  package var holdsLock: Bool
  /// Whether the kernel offers to yield between two units, if a reschedule is due.
  package var yieldsBetween: Bool
  /// Whether the next step goes on under the same hold: its first unit follows the last of this
  /// one as a unit follows a unit.
  package var continues = false
  /// Whether the lock is dropped after every unit, asked for or not: the steps of an eager split
  /// fill their cache of table pages without it.
  package var dropsBetween = false
  /// Whether the CPU is kept where the lock is dropped: no reschedule is offered there.
  package var keepsCPU = false
  /// Where a controller adapts the chunk: units are then its smallest chunk, and it joins them.
  package var controller: UnitController?

  /// Whether a call that is timed begins with the step, or ends with it.
  package var beginsCall = false
  package var endsCall = false

  /// Where a notifier call ends with the step: what it does to the guest; nil elsewhere.
  package var notifier: NotifierCall?

  /// Whether it is stage-2 work; asked at every event, where `==` through the module is a call.
  package var isStageTwo: Bool { if case .stageTwo = kind { true } else { false } }
  /// Whether the task sleeps in it.
  package var isSleep: Bool { if case .sleep = kind { true } else { false } }

  /// The step as the first of a call that is timed.
  package var beginningCall: WorkStep {
    var step = self
    step.beginsCall = true
    return step
  }

  /// The step as the last of a call that is timed.
  package var endingCall: WorkStep {
    var step = self
    step.endsCall = true
    return step
  }

  /// Flush primitives in one unit; they are spread evenly and end its equal parts.
  package var flushes: Int64 = 0
  /// How long interrupts are off in each of them.
  package var flush = Nanoseconds.zero

  /// Creates a step; without more words it is host-side work that yields between units.
  package init(
    _ kind: WorkKind,
    unit: Nanoseconds,
    units: Int64 = 1,
    holdsLock: Bool = false,
    yieldsBetween: Bool = true
  ) {
    precondition(units > 0 && unit >= .zero, "a step has units and takes no negative time")
    self.kind = kind
    self.unit = unit
    self.units = units
    self.holdsLock = holdsLock
    self.yieldsBetween = yieldsBetween
  }

  /// How much longer interrupts stay off if one comes after `progress` of the unit's work.
  ///
  /// Zero outside the flushes. A flush ends where its part of the unit does, so one that ends the
  /// unit is over when the unit is.
  package func maskedRest(after progress: Nanoseconds) -> Nanoseconds {
    guard flushes > 0, flush > .zero, unit > .zero else { return .zero }
    let place = progress.rawValue % unit.rawValue
    // All products fit where both are short: flushes of a unit of less than two seconds.
    if flushes < 1 << 31, unit.rawValue < 1 << 31 {
      let part = (flushes * place + flushes - 1) / unit.rawValue
      let rest = Nanoseconds(rawValue: (part + 1) * unit.rawValue / flushes - place)
      return rest <= flush ? rest : .zero
    }
    // The first part whose end, rounded down, comes after the place.
    let parts = flushes.multipliedFullWidth(by: place)
    let (low, carry) = parts.low.addingReportingOverflow(UInt64(flushes - 1))
    let part = unit.rawValue.dividingFullWidth((parts.high + (carry ? 1 : 0), low)).quotient
    let all = (part + 1).multipliedFullWidth(by: unit.rawValue)
    let rest = Nanoseconds(rawValue: flushes.dividingFullWidth(all).quotient - place)
    return rest <= flush ? rest : .zero
  }

  /// The CPU time of the whole step.
  package var work: Nanoseconds { unit * units }
}

/// Steps that repeat as a group: one slice of a sliced teardown, for example.
package struct WorkGroup: Hashable, Sendable {
  /// The steps of one round.
  package var steps: [WorkStep]
  /// How often the round is run.
  package var repeats: Int64
  /// Work of the last stretch of stage-2 steps that is not laid out: a window asked for its beginning.
  package var left = Nanoseconds.zero

  /// Creates a group.
  package init(_ steps: [WorkStep], repeats: Int64 = 1) {
    precondition(repeats > 0 && !steps.isEmpty, "a group has steps and runs at least once")
    self.steps = steps
    self.repeats = repeats
  }
}

/// Everything the walker's task does, in order.
package struct WorkPlan: Hashable, Sendable {
  /// The groups in order.
  package var groups: [WorkGroup]

  /// Creates a plan.
  package init(_ groups: [WorkGroup] = []) { self.groups = groups }

  /// The CPU time of all steps of a kind.
  package func work(_ kind: WorkKind) -> Nanoseconds {
    groups.reduce(.zero) { sum, group in
      let left = kind == .stageTwo ? group.left : .zero
      let round = group.steps.reduce(left) { $1.kind == kind ? $0 + $1.work : $0 }
      return sum + round * group.repeats
    }
  }
}
