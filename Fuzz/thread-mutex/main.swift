// SPDX-License-Identifier: GPL-3.0-or-later

// A right program in which the thread sanitizer sees races: swiftc -O -sanitize=thread main.swift && ./main

import Dispatch
import Synchronization

final class Shared: Sendable {
  let known = Mutex<[Int: [Int]]>([:])
  func value(_ key: Int) -> [Int] {
    if let found = known.withLock({ $0[key] }) { return found }
    let made = Array(0..<key % 7)
    known.withLock { $0[key] = made }
    return made
  }
}
let shared = Shared()
DispatchQueue.concurrentPerform(iterations: 8) { worker in
  for key in 0..<200_000 { _ = shared.value(key &* 31 &+ worker) }
}
print(shared.known.withLock { $0.count })
