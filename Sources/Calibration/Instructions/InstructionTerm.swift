// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables

/// The stage-2 operations whose instructions are modelled.
package enum InstructionOperation: String, Hashable, Sendable, CaseIterable, Codable {
  /// Unmap: notifier and memslot removal.
  case unmap
  /// Write-protect: of a slot, and of dirty pages word by word.
  case writeProtect = "write-protect"
  /// Destroy.
  case destroy
}

/// What surrounds the stage-2 calls of a phase and costs instructions of its own.
package struct InstructionContext: Hashable, Sendable {
  /// Memory slots removed by ioctl.
  package var slotRemovals: Int64 = 0
  /// Slots for which logging was switched on.
  package var enables: Int64 = 0
  /// GET or CLEAR of a dirty log with something in it.
  package var harvests: Int64 = 0
  /// Words protected by CLEAR with manual protection and all bits set, where the kernel looks
  /// whether to split as well.
  package var clearedWords: Int64 = 0

  /// Nothing around.
  package init() {}
}

/// One event that costs a fixed number of instructions.
package enum InstructionTerm: String, Hashable, Sendable, CaseIterable, Codable {
  /// A cache line cleaned.
  case line
  /// A valid leaf of the last level that was cleared, protected or dropped.
  case page
  /// A valid leaf above the last level that was.
  case block
  /// A valid leaf above the last level that had already been protected.
  case revisit
  /// A table that was freed.
  case freedTable = "freed-table"
  /// A table that was left in use.
  case busyTable = "busy-table"
  /// A table that the walk went through (write-protect has no callback for it).
  case table
  /// A callback on an invalid entry.
  case invalid
  /// A scale that the range encoding passed.
  case skippedScale = "skipped-scale"
  /// A call of the operation: a chunk, a word, a walk.
  case call
  /// A slot removal around the calls.
  case slotRemoval = "slot-removal"
  /// Switching logging on, with the slot's flush.
  case enable
  /// GET or CLEAR, with the slot's flush.
  case harvest
  /// A word of CLEAR with everything set.
  case clearedWord = "cleared-word"

  /// The terms of an operation on a CPU.
  static func terms(
    of operation: InstructionOperation,
    _ features: CPUFeatures
  ) -> [Self] {
    switch operation {
    case .unmap:
      let cleaned: [Self] = features.forcedWriteBack ? [] : [.line]
      return cleaned
        + [.page, .block, .freedTable, .busyTable, .invalid, .skippedScale, .call, .slotRemoval]
    case .writeProtect:
      return [
        .page, .block, .revisit, .table, .invalid, .skippedScale, .call, .clearedWord, .enable,
        .harvest,
      ]
    case .destroy: return [.page, .block, .freedTable, .busyTable, .invalid, .call]
    }
  }

  /// A price of the right size, in instructions; it decides only what the captures leave open,
  /// such as how a full table's cost is divided between the table and its pages.
  var plausible: Double {
    switch self {
    case .line: 4
    case .page, .block, .revisit: 90
    case .freedTable: 300
    case .busyTable, .table: 150
    case .invalid: 45
    case .skippedScale: 20
    case .call, .enable, .harvest: 200
    case .slotRemoval: 10
    case .clearedWord: 5
    }
  }

  /// How often the event happened.
  func count(
    _ operation: InstructionOperation,
    _ counts: EventCounts,
    _ context: InstructionContext
  ) -> Int64 {
    switch self {
    case .line: counts.dcCIVAC
    case .page:
      operation == .writeProtect
        ? counts.attrVisits - counts.invalidVisits - counts.blockVisits
        : counts.leavesCleared - counts.blocksCleared + counts.leavesDestroyed
    case .block:
      operation == .writeProtect ? counts.blocksProtected : counts.blocksCleared
    case .revisit: counts.blockVisits - counts.blocksProtected
    case .freedTable: counts.tablesFreed
    case .busyTable: counts.tableVisits - counts.tablesFreed
    case .table: counts.tableLoops - counts.walkCalls
    case .invalid: counts.invalidVisits
    case .skippedScale: counts.scalesSkipped
    case .call:
      switch operation {
      case .unmap: counts.unmapCalls
      case .writeProtect: counts.wrprotectCalls
      case .destroy: counts.destroyCalls + counts.destroyRangeCalls
      }
    case .slotRemoval: context.slotRemovals
    case .enable: context.enables
    case .harvest: context.harvests
    case .clearedWord: context.clearedWords
    }
  }
}
