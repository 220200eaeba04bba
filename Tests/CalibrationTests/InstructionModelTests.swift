// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import PageTables
import Quantities
import TestSupport
import Testing

@testable import Calibration

@Suite struct InstructionModelTests {
  static let folder = packageRoot.appending(path: "models/instructions")

  static func fitted() throws -> [InstructionModel] {
    try InstructionModel.fit(
      KernelCounts(parsing: try capture("kernel-counts.csv"), file: "kernel-counts.csv")
    )
  }

  @Test func everyLayoutIsPredictedByTheOthers() throws {
    let models = try Self.fitted()
    #expect(models.count == 6)
    for model in models {
      #expect(model.operations.map(\.operation) == InstructionOperation.allCases)
      for operation in model.operations {
        let name = "\(model.kernel) \(model.cpu) \(operation.operation)"
        #expect(operation.fitted.ofAllowed <= 1, "\(name)")
        #expect(operation.leftOut.ofAllowed <= 1, "\(name)")
      }
    }
  }

  /// The shipped files are what the fit gives, byte for byte; `s2tune instructions` writes them.
  @Test func theShippedModelsAreTheFitted() throws {
    for model in try Self.fitted() {
      let file = try Data(contentsOf: Self.folder.appending(path: model.fileName))
      #expect(try model.encoded() == file, "\(model.fileName)")
      #expect(model.features.contains("repeat-tlbi-sync") == (model.cpu == "neoverse-n1"))
    }
  }

  /// A layout that is in no capture: half pages, half blocks, every second block missing.
  @Test func aMixIsTheSumOfItsParts() throws {
    let model = try #require(try Self.fitted().first { $0.kernel == "6.12.107" && $0.cpu == "max" })
    let rules = try StageTwoRules(
      KernelRelease(major: 6, minor: 12, patch: 107),
      CPUFeatures(forcedWriteBack: true, rangeTLBI: true)
    )
    var tables = StageTwo(geometry: try StageTwoGeometry(granule: .size4K, ipaBits: 40))
    let slot = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .mebibytes(64))
    try tables.map(AddressRange(start: slot.start, size: .mebibytes(32)), level: 2)
    try tables.map(
      AddressRange(start: slot.start + .mebibytes(32), size: .mebibytes(32)),
      level: 3
    )
    let instructions = try #require(
      model.instructions(.unmap, try tables.unmap(slot, rules).total)
    )
    // 16 blocks at 158, 16 tables with 512 pages at about 77,200, one chunk.
    #expect(abs(instructions - (16 * 158 + 16 * 77_196 + 860)) < 200)
  }
}
