// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Profiles
import Quantities

// The storage load: completions in hard interrupts, reaping in a task.
extension Machine {
  mutating func armStorage() {
    guard let time = disk.nextCompletion else { return }
    events.schedule(.storage, at: max(now, time))
  }

  /// The interrupt handler takes what the device has completed.
  mutating func harvestStorage() -> Int64 {
    let count = disk.harvest(at: now)
    armStorage()
    return count
  }

  /// Completed requests wake whoever waits for them.
  mutating func wakeStorageTask() {
    guard disk.ready > 0 else { return }
    if isStorageTaskHere, input.storage.task == .unpinned, isOccupied(for: CPUTask.storage) {
      isStorageTaskHere = false
    }
    if isStorageTaskHere {
      wake(CPUTask.storage)
    } else {
      reap(disk.ready)
    }
  }

  /// The waiting task goes to an idle CPU and reaps there.
  mutating func moveStorageTask() {
    leave(CPUTask.storage)
    isStorageTaskHere = false
    reap(disk.ready)
  }

  /// The task's next batch: everything that is ready.
  mutating func beginReaping() -> Nanoseconds {
    requestsBeingReaped = disk.ready
    return costs.submission * Int64(requestsBeingReaped)
  }

  /// The batch is reaped and submitted again; true if more has completed meanwhile.
  mutating func finishReaping() -> Bool {
    reap(requestsBeingReaped)
    return disk.ready > 0
  }

  private mutating func reap(_ count: Int) {
    for _ in 0..<count {
      let submitted = disk.reap()
      if walker.hasBegun, !walker.isDone { storageLatencies.record(now - submitted) }
    }
    disk.submit(Int64(count), at: now)
    armStorage()
  }
}
