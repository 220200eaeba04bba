// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
package import Quantities
import Randomness

/// What a running guest saw of the notifier calls of a run.
package struct GuestMeasured: Hashable, Sendable {
  /// Notifier calls that ended.
  package var calls: Int64 = 0
  /// Time in which one was in progress.
  package var inProgress = Nanoseconds.zero
  /// Broadcast flushes.
  package var flushes: Int64 = 0
  /// Faults on what was unmapped, with their retries and times.
  package var faults = FaultOutcome()
  /// Time of all these faults.
  package var faultTime = Nanoseconds.zero

  init() {}
}

/// vCPUs that touch again what notifier calls unmapped, beside those calls.
///
/// The faults that follow a call come at times drawn evenly between its end and that of the next
/// one, as long as a vCPU is free. One that has taken mmu_lock before the next call begins maps its
/// page; every other is turned back, and its vCPU faults again: at once, or once it has had the lock,
/// and so on until one attempt lies between two calls. The calls do not wait for faults (assumed:
/// a fault holds the lock for a part of a microsecond).
struct GuestFaults: Sendable {
  private let guest: RunningGuest
  private var chance: Stream
  private(set) var measured = GuestMeasured()
  private var latencies = Latencies()
  private var waiting: [Fault] = []
  /// Faults that are still to come; a part of one is kept.
  private var due = 0.0
  private var last: NotifierCall?
  /// When the last call ended, or the operation began.
  private var free: Instant
  /// When the last fault gives back the lock, where faults do not share it.
  private var unlocked = Instant.start

  private struct Fault {
    let began: Instant
    /// The exit of the next attempt.
    var next: Instant
    let call: NotifierCall
  }

  /// A notifier call as it went: from its first lock to its second end, and when that first lock
  /// was given back.
  struct Window {
    let began: Instant
    let unlocked: Instant
    let ended: Instant
  }

  init(_ guest: RunningGuest, from start: Instant, _ chance: Stream) {
    (self.guest, self.chance, free) = (guest, chance, start)
  }

  /// A call has ended: what faulted since the one before it ended is mapped or turned back.
  mutating func passed(_ window: Window, _ call: NotifierCall, flushes: Int64) {
    measured.calls += 1
    measured.inProgress += window.ended - window.began
    measured.flushes += flushes
    arrive(until: window.ended)
    var left: [Fault] = []
    for var fault in waiting where !isMapped(&fault, window) { left.append(fault) }
    waiting = left
    due += call.faults
    (last, free) = (call, window.ended)
  }

  /// No call comes any more: what still faults is mapped. Returns what was measured.
  mutating func finished() -> GuestMeasured {
    for fault in waiting { map(fault, lockedAt: fault.next + fault.call.outside) }
    waiting = []
    measured.faults.latency = latencies.summary
    measured.faults.notifierCalls = measured.calls
    return measured
  }

  private mutating func arrive(until end: Instant) {
    guard let last else { return }
    while due >= 1, waiting.count < guest.vcpus {
      due -= 1
      let time = free + chance.uniform(below: max(.nanoseconds(1), end - free))
      waiting.append(Fault(began: time, next: time, call: last))
      measured.faults.faults += 1
    }
  }

  /// Whether a fault takes the lock before a call begins; otherwise its next attempt comes after it.
  private mutating func isMapped(_ fault: inout Fault, _ window: Window) -> Bool {
    var locked = fault.next + fault.call.outside
    if !guest.sharesLock { locked = max(locked, unlocked) }
    guard guest.turnsBack, locked > window.began else {
      map(fault, lockedAt: locked)
      return true
    }
    // The first attempt may have to wait for the lock to learn that it is turned back.
    if locked < window.unlocked { locked = window.unlocked }
    turnBack(&fault, to: locked + guest.retry, times: 1)
    guard fault.next < window.ended else { return false }
    let attempt = max(.nanoseconds(1), fault.call.outside + guest.retry)
    let more = (window.ended - fault.next + attempt - .nanoseconds(1)) / attempt
    turnBack(&fault, to: fault.next + attempt * more, times: more)
    return false
  }

  private mutating func turnBack(_ fault: inout Fault, to next: Instant, times: Int64) {
    fault.next = next
    measured.faults.faults += times
    measured.faults.retries += times
  }

  private mutating func map(_ fault: Fault, lockedAt locked: Instant) {
    let done = locked + fault.call.inside
    if !guest.sharesLock { unlocked = max(unlocked, done) }
    latencies.record(done - fault.began)
    measured.faultTime += done - fault.began
  }
}
