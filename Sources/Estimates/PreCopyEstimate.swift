// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import PageTables
import Policies
import Profiles
import Quantities

/// The rounds of a pre-copy migration in closed form, in nanoseconds: sending against dirtying.
///
/// Of W pages, random writes dirty W (1 - exp(-r t / W)) in t at rate r; r falls by what faults and
/// holds of mmu_lock take from the guest.
struct PreCopyEstimate: Sendable {
  let load: MigrationLoad
  let pages: Double
  let pageBytes: Double
  let vcpus: Double
  let clear: (hold: Double, whole: Double, pages: Double)
  /// One fault, and the part of it that only one vCPU can do at a time.
  let fault: (whole: Double, exclusive: Double)
  /// Faults that a page costs in the first round.
  let firstFaults: Double
  let refill: Double

  /// The whole migration.
  private(set) var time = 0.0
  /// The guest's standstill.
  private(set) var downtime = 0.0
  /// All write-protect calls together.
  private(set) var protecting = 0.0

  init(
    load: MigrationLoad,
    pages: Double,
    pageBytes: Double,
    vcpus: Double,
    clear: (hold: Double, whole: Double, pages: Double),
    fault: (whole: Double, exclusive: Double),
    firstFaults: Double,
    refill: Double
  ) {
    self.load = load
    self.pages = pages
    self.pageBytes = pageBytes
    self.vcpus = vcpus
    self.clear = clear
    self.fault = fault
    self.firstFaults = firstFaults
    self.refill = refill
  }

  /// Runs the rounds.
  mutating func run() {
    var toSend = pages
    for round in 1...max(1, load.maximumRounds) {
      let clears = ioctls(for: toSend)
      protecting += clear.whole * clears
      let length = max(send(toSend), clear.whole * clears)
      let speed = guestSpeed(clears: clears, over: length, isFirst: round == 1)
      time += length
      let set = workingPages
      let writes = Double(load.dirtyPagesPerSecond) / 1e9 * speed * length
      toSend = set > 0 ? (set * (1 - exp(-writes / set))).rounded() : 0
      if send(toSend) + clear.whole <= Double(load.downtimeLimit.rawValue) { break }
    }
    downtime = send(toSend) + clear.whole
    time += downtime
  }

  private var workingPages: Double {
    let set = (Double(load.workingSet.rawValue) / pageBytes).rounded(.up)
    return min(pages, set > 0 ? set : pages)
  }

  private func send(_ count: Double) -> Double {
    count * pageBytes * 8e9 / Double(max(1, load.link.rawValue))
  }

  private func ioctls(for dirty: Double) -> Double {
    let pieces = (pages / clear.pages).rounded(.up)
    guard dirty < pages else { return pieces }
    return min(max(1, min(pieces, (workingPages / clear.pages).rounded(.up))), dirty)
  }

  /// The guest's speed: the fixed point of "faults follow the speed", with a queue (M/D/1) for the
  /// part of a fault that excludes others.
  private func guestSpeed(clears: Double, over length: Double, isFirst: Bool) -> Double {
    let rate = Double(load.dirtyPagesPerSecond) / 1e9
    let own = fault.whole * (isFirst ? firstFaults : 1)
    var speed = 1.0
    for _ in 0..<20 {
      let busy = min(0.95, rate * speed * fault.exclusive)
      let wait = busy / (2 * (1 - busy)) * fault.exclusive
      speed = 0.5 * (speed + 1 / (1 + rate / vcpus * (own + wait)))
    }
    let blocked = min(0.9, clear.hold * clears / max(1, length))
    let refilling = min(0.9, refill * clears / max(1, length))
    return max(0.01, speed * (1 - blocked) * (1 - refilling))
  }
}
