// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities
import Synchronization

/// Unmaps of whole guests that the gathered plans of many policies share.
///
/// What the walker does depends on the guest's tables, the chunk rule and LPA2. Flush rules and the
/// host's prices come after it, so policies that differ in nothing else need one walk together.
/// Calls are kept with equal ones brought together.
package final class SharedWalks: Sendable {
  /// All that decides how a guest's tables are laid out and walked.
  private struct Walk: Hashable {
    let layout: GuestLayout
    let memory: GuestMemory
    let granule: Granule
    let chunk: ChunkRule
    let largeAddresses: Bool
  }

  private struct Found {
    let trail: UnmapTrail
    let leaves: [Int64]
  }

  private let known = Mutex<[Walk: Found]>([:])

  /// Creates a store without walks.
  package init() {}

  /// The chunks of an unmap of an operation's whole guest, equal ones together, and the leaves by
  /// level that were mapped before.
  func unmap(
    _ operation: BatchedOperation,
    _ rules: StageTwoRules
  ) throws(OperationError) -> (sequence: ChunkSequence, leaves: [Int64]) {
    let walk = Walk(
      layout: operation.layout,
      memory: operation.workload.memory,
      granule: operation.host.granule,
      chunk: rules.chunk,
      largeAddresses: rules.features.largeAddresses
    )
    if let found = known.withLock({ $0[walk] }) {
      return (found.trail.sequence(rules), found.leaves)
    }
    var tables = try operation.layOut()
    let leaves = tables.leafCounts
    do throws(PageTableError) {
      let trail = try tables.unmapTrail(operation.memoryRange, rules).gathered
      known.withLock { $0[walk] = Found(trail: trail, leaves: leaves) }
      return (trail.sequence(rules), leaves)
    } catch {
      throw .pageTables(error)
    }
  }
}
