// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

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
/// one, as long as a vCPU is free. One that has read the sequence number after a call's end and has
/// taken mmu_lock before the next call begins maps its page; every other is turned back, and its vCPU
/// faults again: at once, or once it has had the lock, until one attempt lies between two calls. The
/// calls do not wait for faults (assumed: a fault holds the lock for a part of a microsecond, which is
/// too little for blocks without FWB).
struct GuestFaults: Sendable {
  private let guest: RunningGuest
  private var chance: Stream
  private(set) var measured = GuestMeasured()
  private var latencies = Latencies()
  private var waiting: [Fault] = []
  /// Faults of pages that vCPUs will touch some time, and of those that they want to touch now; a part of
  /// one is kept.
  private var (due, wanting) = (0.0, 0.0)
  private var last: NotifierCall?
  /// When the last call ended, or the operation began.
  private var free: Instant
  /// The last stretch in which faults had the lock one after the other, where they do not share it.
  private var busy = (from: Instant.start, until: Instant.start)

  private struct Fault {
    let began: Instant
    /// The exit of the next attempt.
    var next: Instant
    let call: NotifierCall
    /// Whether the host still has to find or allocate the page: the first attempt alone does.
    var isFirst = true
    /// Whether a call met the attempt before it came to the lock.
    var isTurnedBack = false

    /// From the exit to reading the notifier's sequence number: half of the way to the lock (assumed).
    var lead: Nanoseconds { call.outside / 2 }

    /// When the next attempt comes to the lock.
    var locked: Instant { next + call.outside + (isFirst ? call.population : .zero) }
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
    arrive(in: window)
    if !guest.sharesLock { waiting.sort { $0.locked < $1.locked } }
    var left: [Fault] = []
    for var fault in waiting where !isMapped(&fault, window) { left.append(fault) }
    waiting = left
    due += call.faults
    (last, free) = (call, window.ended)
  }

  /// No call comes any more: what still faults is mapped, and everything measured is returned.
  mutating func finished() -> GuestMeasured {
    for var fault in waiting {
      if fault.isTurnedBack { turnBack(&fault, from: fault.locked) }
      map(fault, lockedAt: lockTime(fault))
    }
    waiting = []
    measured.faults.latency = latencies.summary
    measured.faults.notifierCalls = measured.calls
    return measured
  }

  /// Faults begin, each at a time drawn evenly since the last call ended, as long as a vCPU is free.
  ///
  /// Between two calls a vCPU can take one after another, in a call it waits with the first.
  private mutating func arrive(in window: Window) {
    guard let last, due > 0 else { return }
    let passed = Double((window.ended - self.free).rawValue) / Double(RunningGuest.delay.rawValue)
    let wanted = due * (1 - exp(-passed))
    (due, wanting) = (due - wanted, wanting + wanted)
    let free = Int64(max(0, guest.vcpus - waiting.count))
    let whole = max(.nanoseconds(1), last.outside + last.population + last.inside)
    var room = (between: free * max(1, (window.began - self.free) / whole), inside: free)
    for _ in 0..<min(Int64(wanting), room.between + room.inside) {
      let time = self.free + chance.uniform(below: window.ended - self.free)
      let isInside = time >= window.began
      guard (isInside ? room.inside : room.between) > 0 else { continue }
      if isInside { room.inside -= 1 } else { room.between -= 1 }
      wanting -= 1
      waiting.append(Fault(began: time, next: time, call: last))
      measured.faults.faults += 1
    }
  }

  /// Whether a fault maps its page before a call begins; otherwise it goes on up to the call's end.
  private mutating func isMapped(_ fault: inout Fault, _ window: Window) -> Bool {
    while true {
      var locked = lockTime(fault)
      if locked <= window.began {
        guard fault.isTurnedBack else {
          map(fault, lockedAt: locked)
          return true
        }
        turnBack(&fault, from: locked)
        continue
      }
      let read = fault.next + fault.lead
      if guest.turnsBack, read < window.ended { fault.isTurnedBack = true }
      // What happens at the lock is known with the next call.
      guard locked < window.ended else { return false }
      // Who comes to the lock while it is held learns of the call only then.
      locked = max(locked, window.unlocked)
      guard fault.isTurnedBack else {
        map(fault, lockedAt: locked)
        return true
      }
      turnBack(&fault, from: locked)
      spin(&fault, until: window.ended)
    }
  }

  /// When an attempt has the lock: up to 6.1 after the faults that came to it before.
  private func lockTime(_ fault: Fault) -> Instant {
    let isQueued = !guest.sharesLock && fault.locked >= busy.from && fault.locked < busy.until
    return isQueued ? busy.until : fault.locked
  }

  /// Attempts that come to the lock before a call's end, one like the other.
  private mutating func spin(_ fault: inout Fault, until end: Instant) {
    let attempt = max(.nanoseconds(1), fault.call.outside + guest.retry)
    let ahead = end - fault.locked
    guard guest.sharesLock, ahead > .zero else { return }
    let times = (ahead + attempt - .nanoseconds(1)) / attempt
    fault.next += attempt * times
    measured.faults.faults += times
    measured.faults.retries += times
  }

  private mutating func turnBack(_ fault: inout Fault, from locked: Instant) {
    fault.next = locked + guest.retry
    (fault.isFirst, fault.isTurnedBack) = (false, false)
    measured.faults.faults += 1
    measured.faults.retries += 1
  }

  private mutating func map(_ fault: Fault, lockedAt locked: Instant) {
    let done = locked + fault.call.inside
    if !guest.sharesLock { busy = (locked == busy.until ? busy.from : locked, done) }
    latencies.record(done - fault.began)
    measured.faultTime += done - fault.began
  }
}
