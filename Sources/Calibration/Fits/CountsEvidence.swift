// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Profiles
import Quantities

/// A machine of a counts file: kernel and CPU.
package struct CapturedMachine: Hashable, Sendable, CustomStringConvertible {
  /// The kernel as the captures name it.
  package let kernel: String
  /// The CPU as the captures name it.
  package let cpu: String

  /// Kernel and CPU with a slash between, as `--machine` takes it.
  package var description: String { "\(kernel)/\(cpu)" }
}

/// A guest of a counts file: what backs it and how large it is.
package struct CapturedLayout: Hashable, Sendable, CustomStringConvertible {
  /// The backing as the file names it.
  package let backing: String
  /// The guest's memory in MiB.
  package let mebibytes: Int64

  /// Backing and memory.
  package var description: String { "\(backing) \(mebibytes)MiB" }
}

extension KernelCounts {
  /// The machines of the file, in the order of its rows.
  package var machines: [CapturedMachine] {
    rows.reduce(into: []) { found, row in
      if !found.contains(row.capturedMachine) { found.append(row.capturedMachine) }
    }
  }

  /// The guests of a machine: pages before blocks, small before large.
  package func layouts(of machine: CapturedMachine) -> [CapturedLayout] {
    Set(rows.filter { $0.capturedMachine == machine }.map(\.layout)).sorted {
      ($0.backing, $0.mebibytes) < ($1.backing, $1.mebibytes)
    }
  }
}

extension CountsRow {
  var capturedMachine: CapturedMachine { CapturedMachine(kernel: kernel, cpu: cpu) }
  var layout: CapturedLayout {
    CapturedLayout(backing: backingName, mebibytes: memory.rawValue >> 20)
  }
}

extension CostEvidence {
  /// The stage-2 work of a machine's phases, an instruction taken as a nanosecond.
  ///
  /// The counts of a phase are the model's; guests' faults are not in it, since a host has one cost
  /// for all that a fault does under the lock.
  /// With `layouts` only those guests' rows are taken.
  package static func counts(
    _ file: KernelCounts,
    machine: CapturedMachine,
    layouts: Set<CapturedLayout>? = nil
  ) -> CostEvidence {
    var replays = ReplayCache(file)
    var samples: [CostSample] = []
    var events: [EventCounts] = []
    for row in file.rows where row.capturedMachine == machine {
      guard layouts?.contains(row.layout) ?? true, row.instructions > 0,
        case .success(let replayed) = replays.counts(row)
      else { continue }
      let counts = replayed.counts
      guard counts.mapCalls + counts.relaxCalls == 0 else { continue }
      samples.append(
        CostSample(
          id: "\(row.layout) \(row.rewrite) \(row.phase)",
          source: file.file,
          measured: Double(row.instructions),
          spread: 0
        )
      )
      events.append(counts)
    }
    return CostEvidence(samples) { [events] host in
      events.map { WorkBreakdown($0, on: host, FabricShare()).total }
    }
  }
}
