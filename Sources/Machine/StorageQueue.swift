// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
import Quantities

/// A storage device under a closed loop: a fixed number of requests in flight or being reaped.
struct StorageQueue: Sendable {
  private let latency: Nanoseconds
  /// When each of the device's servers becomes free.
  private var servers: [Instant]
  private var nextServer = 0
  /// Completion times and submission times of requests at the device, in order.
  private var atDevice: Ring<(completes: Instant, submitted: Instant)>
  /// Submission times of requests whose completion the CPU has seen.
  private var completed: Ring<Instant>
  /// Requests reaped by the task.
  private(set) var done: Int64 = 0

  init(device: StorageDevice, depth: Int) {
    latency = device.latency
    servers = Array(repeating: .start, count: max(1, min(device.parallelism, max(1, depth))))
    atDevice = Ring(capacity: max(1, depth), filler: (.start, .start))
    completed = Ring(capacity: max(1, depth), filler: .start)
  }

  /// Hands requests to the device; servers take them in turn, first come first served.
  mutating func submit(_ count: Int64, at now: Instant) {
    for _ in 0..<count {
      let end = max(now, servers[nextServer]) + latency
      servers[nextServer] = end
      nextServer = (nextServer + 1) % servers.count
      atDevice.append((end, now))
    }
  }

  /// When the next completion interrupts, or nil.
  var nextCompletion: Instant? { atDevice.isEmpty ? nil : atDevice.first.completes }

  /// Completions that the interrupt handler sees; returns how many.
  mutating func harvest(at now: Instant) -> Int64 {
    var count: Int64 = 0
    while !atDevice.isEmpty, atDevice.first.completes <= now {
      completed.append(atDevice.first.submitted)
      atDevice.removeFirst()
      count += 1
    }
    return count
  }

  /// Requests that wait to be reaped.
  var ready: Int { completed.count }

  /// Reaps one request; returns when it was submitted.
  mutating func reap() -> Instant {
    let submitted = completed.first
    completed.removeFirst()
    done += 1
    return submitted
  }
}
