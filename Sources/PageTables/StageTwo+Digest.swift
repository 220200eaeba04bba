// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

extension StageTwo {
  /// A digest of everything that is mapped, the same in every process.
  public var digest: Digest {
    var known: [ObjectIdentifier: UInt64] = [:]
    var digest = Digest.of("\(geometry.granule.rawValue) \(geometry.ipaBits)")
    digest.add(Self.digest(of: root, &known))
    return digest
  }

  /// A table that stands in many places is looked at once.
  private static func digest(of table: Table, _ known: inout [ObjectIdentifier: UInt64]) -> UInt64 {
    if let found = known[ObjectIdentifier(table)] { return found }
    var digest = Digest()
    for run in table.runs {
      digest.add(UInt64(run.count))
      switch run.entry {
      case .hole: digest.add(0)
      case .annotated: digest.add(1)
      case .leaf(let state): digest.add(2 + (state.writable ? 1 : 0) + (state.cacheable ? 2 : 0))
      case .table(let child):
        digest.add(6)
        digest.add(Self.digest(of: child, &known))
      }
    }
    known[ObjectIdentifier(table)] = digest.value
    return digest.value
  }
}
