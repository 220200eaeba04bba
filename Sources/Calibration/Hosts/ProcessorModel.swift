// SPDX-License-Identifier: GPL-3.0-or-later

/// A core by the numbers that its identification register has: who designed it and which it is.
///
/// Source: MIDR_EL1 in the Arm ARM; part numbers from the designers' manuals, as Linux 6.12 has them in
/// its table of core types.
package struct ProcessorModel: Hashable, Sendable {
  /// The designer, bits 31 to 24.
  package let implementer: Int
  /// The part, bits 15 to 4.
  package let part: Int
  /// What it is called.
  package let name: String
  /// The shipped host whose values come closest.
  package let parent: String
  /// Whether that host has this core: its features are then this host's too.
  package let isSame: Bool

  private init(
    _ implementer: Int,
    _ part: Int,
    _ name: String,
    _ parent: String,
    same: Bool = false
  ) {
    (self.implementer, self.part, self.name) = (implementer, part, name)
    (self.parent, isSame) = (parent, same)
  }

  /// A host without FWB and range TLBI, and one with both.
  static let (old, new) = ("generic-armv8.0", "generic-armv8.4")

  /// The cores that servers and boards with KVM have.
  package static let known: [ProcessorModel] = [
    .init(0x41, 0xd03, "Cortex-A53", old), .init(0x41, 0xd07, "Cortex-A57", old),
    .init(0x41, 0xd08, "Cortex-A72", old), .init(0x41, 0xd09, "Cortex-A73", old),
    .init(0x41, 0xd0a, "Cortex-A75", old), .init(0x41, 0xd0b, "Cortex-A76", old),
    .init(0x41, 0xd0c, "Neoverse N1", "ampere-altra", same: true),
    .init(0x41, 0xd40, "Neoverse V1", "graviton3", same: true),
    .init(0x41, 0xd49, "Neoverse N2", new), .init(0x6d, 0xd49, "Azure Cobalt 100", new),
    .init(0x41, 0xd4f, "Neoverse V2", "graviton4", same: true),
    .init(0x41, 0xd83, "Neoverse V3AE", new), .init(0x41, 0xd84, "Neoverse V3", new),
    .init(0x41, 0xd8e, "Neoverse N3", new),
    .init(0x42, 0x516, "ThunderX2", "thunderx2", same: true),
    .init(0x43, 0x0a1, "ThunderX", old), .init(0x43, 0x0af, "ThunderX2", "thunderx2", same: true),
    .init(0x46, 0x001, "A64FX", old),
    .init(0x48, 0xd01, "Kunpeng 920 (TSV110)", "kunpeng920", same: true),
    .init(0x48, 0xd02, "Kunpeng 920 (TSV200)", new),
    .init(0x4e, 0x004, "Carmel", old), .init(0x4e, 0x010, "Olympus", new),
    .init(0x50, 0x000, "X-Gene", old),
    .init(0x51, 0x001, "Oryon", new), .init(0x51, 0xc00, "Falkor", old),
    .init(0xc0, 0xac3, "AmpereOne", "ampereone", same: true),
    .init(0xc0, 0xac4, "AmpereOne AC04", "ampereone", same: true),
  ]

  /// The core of these numbers, where it is known.
  package static func model(implementer: Int, part: Int) -> ProcessorModel? {
    known.first { $0.implementer == implementer && $0.part == part }
  }
}
