// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Policies
import Profiles
package import Quantities

/// An operation on a setup as a policy batches it, with or without some mechanisms.
///
/// Rules, path, slices, prices and plans are taken from here and from nowhere else: the machine
/// executes them in order, the estimate gathers them.
@dynamicMemberLookup
package struct BatchedOperation: Hashable, Sendable {
  /// Where it happens.
  package var setup: Setup
  /// How it is batched.
  package var policy: Policy
  /// Mechanisms that are switched off.
  package var switches: MachineSwitches

  /// Creates an operation with every mechanism, or without some.
  package init(_ setup: Setup, _ policy: Policy, without switches: MachineSwitches = .init()) {
    self.setup = setup
    self.policy = policy
    self.switches = switches
  }

  /// The parts of the setup.
  package subscript<Part>(dynamicMember part: WritableKeyPath<Setup, Part>) -> Part {
    get { setup[keyPath: part] }
    set { setup[keyPath: part] = newValue }
  }

  /// What is computed of the setup.
  package subscript<Part>(dynamicMember part: KeyPath<Setup, Part>) -> Part {
    setup[keyPath: part]
  }
}

extension BatchedOperation {
  /// The path a teardown takes.
  package var path: TeardownPath { policy.path(over: setup.workload.teardownPath) }

  /// How much one call of the teardown gives back, or nil where it is one call.
  package var slice: ByteCount? {
    switch path {
    case .munmap: policy.slice
    case .madviseSlices: policy.slice ?? setup.host.granule.smallestBlock
    case .memslotDelete, .processExit: nil
    }
  }

  /// The guest's memory as a range; with a dump, the whole span that the tables map.
  package var memoryRange: AddressRange {
    AddressRange(start: setup.workload.memory.base, size: setup.workload.memory.size)
  }

  /// Who shares the TLBI fabric with the operation.
  package var share: FabricShare {
    switches.has(.fabric) ? FabricShare(setup.host, setup.workload) : FabricShare()
  }

  /// The rules under which the page tables are walked.
  package func rules() throws(OperationError) -> StageTwoRules {
    do throws(PageTableError) {
      return try setup.setting.rules(of: policy, chunk: chunkRule)
    } catch {
      throw .pageTables(error)
    }
  }

  /// The chunk rule of the walk: the policy's, or what its controller makes of it.
  ///
  /// A time budget becomes the number of visits that take so long, in whole strides: the
  /// controller looks at the clock once a stride. A feedback controller joins chunks of its floor.
  package var chunkRule: ChunkRule {
    switch policy.controller {
    case .fixed: return policy.chunk
    case .timeBudget(let budget, let stride):
      let strides = budget.rawValue / max(1, (dearestLeaf * Int64(stride)).rawValue)
      let visits = max(1, strides).times(saturating: Int64(stride))
      return .visits(Int(min(visits, Int64(PolicyKey.visits.upperBound))))
    case .feedback(let floor, _):
      let longest = setup.setting.size(of: policy.chunk) ?? floor
      return .fixed(min(floor, longest))
    }
  }

  /// What clearing one leaf costs at most in this guest.
  private var dearestLeaf: UnitCost {
    let (host, memory) = (setup.host, setup.workload.memory)
    let hasBlocks = memory.blockShare + memory.hugeBlockShare > 0
    let level = hasBlocks ? 2 : 3
    var cost = host.stage2.leafCleared
    if policy.flush == .perLeaf { cost = cost + host.tlbi.ipaFlush }
    if !host.features.forcedWriteBack {
      let bytes = host.granule.entrySize(level: level)
      let lines = bytes.divided(roundedUpBy: host.features.cacheLine)
      cost =
        cost
        + UnitCost(
          rawValue: host.stage2.cacheLineCleaned.rawValue.times(saturating: lines)
        )
    }
    return max(cost, UnitCost(rawValue: 1))
  }

  /// How the walk's chunks are joined, with a feedback controller.
  package var unitController: UnitController? {
    guard case .feedback(let floor, let patience) = policy.controller else { return nil }
    let longest = setup.setting.size(of: policy.chunk) ?? floor
    return UnitController(
      longest: max(1, longest.divided(roundedDownBy: floor)),
      patience: max(1, patience)
    )
  }

  /// The guest's tables: those of a dump, or the workload's mix laid out in tiles.
  ///
  /// Every tile (1 GiB, or eight blocks where a block is larger) holds its blocks first, then its
  /// pages, then what was never touched; level-1 blocks take whole tiles at the start.
  package func layOut() throws(OperationError) -> StageTwo {
    if let tables = setup.layout.tables { return tables }
    do throws(PageTableError) {
      var tables = try emptyTables()
      for part in mappedParts { try tables.map(part.range, level: part.level) }
      return tables
    } catch {
      throw .pageTables(error)
    }
  }

  /// Tables of the guest's shape that map nothing.
  func emptyTables() throws(PageTableError) -> StageTwo {
    StageTwo(
      geometry: try StageTwoGeometry(
        granule: setup.host.granule,
        ipaBits: setup.workload.memory.ipaBits
      )
    )
  }

  /// What the workload's mix maps, in order of address.
  var mappedParts: [MemoryMix.Part] {
    let memory = setup.workload.memory
    let mix = MemoryMix(memory, granule: setup.host.granule)
    var parts: [MemoryMix.Part] = []
    if mix.hugeBytes > .zero {
      let huge = AddressRange(start: memory.base, size: mix.hugeBytes)
      parts.append(MemoryMix.Part(range: huge, level: 1))
    }
    let rest = AddressRange(start: memory.base + mix.hugeBytes, end: memory.base + memory.size)
    return rest.isEmpty ? parts : parts + mix.parts(of: rest)
  }
}
