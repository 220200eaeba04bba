// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import PageTables
import Policies
public import Profiles
import Quantities

extension Scenario {
  /// The version of the simulator: raised whenever the same scenario gives another report, so that
  /// models fitted on other runs are refused.
  public static let simulatorVersion = "6"

  /// The work of the operation without running it: what features are computed from.
  ///
  /// A sliced teardown is walked in one go with chunks no longer than a slice, which gives the same
  /// walker calls where slices are powers of two, and near ones elsewhere.
  ///
  /// - Parameter walks: Where unmaps are kept for outlines that share them; chunks then come with
  ///   equal ones brought together, which no feature sees. Nil walks anew, in the walker's order.
  /// - Returns: The chunks, calls and leaves of the operation.
  /// - Throws: What is wrong with the scenario.
  public func outline(sharing walks: SharedWalks? = nil) throws(ScenarioError) -> OperationOutline {
    try validate()
    switch workload.operation {
    case .teardown where path == .processExit: return try exitOutline()
    case .teardown: return try teardownOutline(walks)
    case .logEnable:
      var tables = try layOut()
      return OperationOutline(try protection(&tables))
    case .reclaim: return try reclaimOutline(walks)
    case .migration: return try migrationOutline()
    case .mapCreate: return try stormOutline()
    case .map, .dirty: return OperationOutline(ChunkTrain())
    }
  }

  private func exitOutline() throws(ScenarioError) -> OperationOutline {
    var tables = try layOut()
    let leaves = tables.leafCounts
    var outline = freeing(OperationOutline(tables.destroy(try rules())), leaves)
    outline.holdsLock = false
    return outline
  }

  private func teardownOutline(_ walks: SharedWalks?) throws(ScenarioError) -> OperationOutline {
    var rules = try rules()
    let slice = teardownSlice
    if let slice { rules.chunk = rules.chunk.bounded(by: slice, in: setting) }
    let (train, leaves) = try unmap(rules, walks)
    var outline = freeing(OperationOutline(train), leaves)
    outline.calls = slice.map { memoryRange.size.divided(roundedUpBy: $0) } ?? 1
    return outline
  }

  /// The chunks of an unmap of everything, and the leaves by level that were mapped.
  private func unmap(
    _ rules: StageTwoRules,
    _ walks: SharedWalks?
  ) throws(ScenarioError) -> (train: ChunkTrain, leaves: [Int64]) {
    if let walks { return try walks.unmap(self, rules) }
    var tables = try layOut()
    let leaves = tables.leafCounts
    do throws(PageTableError) {
      return (try tables.unmap(memoryRange, rules), leaves)
    } catch {
      throw .pageTables(error)
    }
  }

  /// The outline with what the host zaps and frees of the leaves that were mapped.
  private func freeing(_ outline: OperationOutline, _ leaves: [Int64]) -> OperationOutline {
    var outline = outline
    outline.freedPages = leaves[3]
    outline.freedBlocks = leaves[1] + leaves[2]
    return outline
  }

  /// How much one call of the teardown gives back, or nil where it is one call.
  private var teardownSlice: ByteCount? {
    switch path {
    case .munmap: policy.slice
    case .madviseSlices: policy.slice ?? host.granule.smallestBlock
    case .memslotDelete, .processExit: nil
    }
  }

  /// The leaves of a reclaim, each a notifier call of its own.
  private func reclaimOutline(_ walks: SharedWalks?) throws(ScenarioError) -> OperationOutline {
    var rules = try rules()
    rules.chunk = .mappingAware(host.granule.page)
    rules.mayYield = false
    let (train, leaves) = try unmap(rules, walks)
    var outline = freeing(OperationOutline(train), leaves)
    outline.calls = leaves.reduce(0, +)
    return outline
  }

  /// The CLEAR ioctls that protect the whole slot once.
  private func migrationOutline() throws(ScenarioError) -> OperationOutline {
    let logging = try loggingCosts()
    let size = memoryRange.size
    var outline = OperationOutline(single(logging.counts))
    outline.calls = size.divided(roundedUpBy: min(policy.clearRange ?? size, size))
    outline.longestHold = logging.clear.hold
    return outline
  }

  /// The notifier calls of a storm of first touches.
  private func stormOutline() throws(ScenarioError) -> OperationOutline {
    let priced = try storm()
    var outline = OperationOutline(single(priced.counts))
    outline.calls = priced.pages
    outline.longestHold = priced.storm.clearing
    outline.emptyCall = priced.storm.finding
    return outline
  }

  /// Everything as one chunk, where the machine does not walk chunk by chunk.
  private func single(_ counts: EventCounts) -> ChunkTrain {
    var train = ChunkTrain()
    train.append(Chunk(span: workload.memory.size, counts: counts))
    train.mayYield = false
    return train
  }

  private func protection(_ tables: inout StageTwo) throws(ScenarioError) -> ChunkTrain {
    let rules = try rules()
    do throws(PageTableError) {
      return try tables.writeProtect(slot: memoryRange, rules)
    } catch {
      throw .pageTables(error)
    }
  }

  var setting: PolicySetting {
    PolicySetting(
      granule: host.granule,
      ipaBits: workload.memory.ipaBits,
      release: kernel.release,
      features: host.features
    )
  }
}

extension ChunkRule {
  /// The rule under which no chunk is longer than the largest power of two in a size.
  fileprivate func bounded(by size: ByteCount, in setting: PolicySetting) -> ChunkRule {
    let zeros = max(setting.granule.page, size).rawValue.leadingZeroBitCount
    let limit = ByteCount(rawValue: 1 << Int64(63 - zeros))
    guard let own = setting.size(of: self), own > limit else { return self }
    if case .mappingAware = self { return .mappingAware(limit) }
    return .fixed(limit)
  }
}
