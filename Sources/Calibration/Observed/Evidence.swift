// SPDX-License-Identifier: GPL-3.0-or-later

package import Operations
import PageTables
import Profiles
import Quantities

/// Why files cannot be taken for what they are given for; one sentence.
package struct EvidenceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The sentence, with the file, the value and what to do.
  package let description: String
}

/// What several files say together.
package struct Evidence: Sendable {
  /// The files, snapshots of a counter together.
  package let files: [Recording]
  /// What they set, each key once.
  package let settings: [LoadedSetup.Change]

  /// Gathers files; two that contradict each other are of two machines, and refused.
  package init(_ recordings: [Recording]) throws(EvidenceError) {
    files = RecordingFile.gather(recordings)
    var found: [(file: String, setting: Recording.Setting)] = []
    for file in files {
      for setting in file.settings {
        guard let other = found.first(where: { $0.setting.key == setting.key }) else {
          found.append((file.file, setting))
          continue
        }
        guard other.setting.value == setting.value else {
          throw EvidenceError(
            description: "\(file.file): \(setting.key)=\(setting.value), and \(other.file) says "
              + "\(other.setting.value): two machines or two times; leave one of the files out"
          )
        }
      }
    }
    settings = found.map { ($0.setting.key, $0.setting.value) }
  }

  /// What the files set, as `--set` takes it.
  package var assignments: [String] { settings.map { "\($0.key)=\($0.value)" } }
}

extension Stage2Dump {
  /// Refuses a dump that cannot be of a VM with so many IPA bits.
  package func require(ipaBits: Int) throws(EvidenceError) {
    guard let reason = contradiction(ipaBits: ipaBits) else { return }
    let way =
      fittingBits.map { "set --ipa-bits or vm.ipa_bits to \($0)" }
      ?? "no width of IPA fits it; set the page size to the host's"
    throw EvidenceError(description: "\(file): \(reason); \(way)")
  }
}

extension LoadedSetup {
  /// Gives the guest a dump's mix of leaves and holes, and the workload the shares that result.
  package mutating func layOut(_ dump: Stage2Dump) throws {
    let memory = workload.profile.memory
    try dump.require(ipaBits: memory.ipaBits)
    guard dump.pattern != nil else {
      throw EvidenceError(
        description: "\(dump.file): the dump maps no memory; take it while the guest runs"
      )
    }
    let laidOut = try dump.tiled(
      to: memory.size,
      at: memory.base,
      StageTwoGeometry(granule: host.profile.granule, ipaBits: memory.ipaBits)
    )
    guard laidOut.mappedBytes > .zero else {
      throw EvidenceError(
        description: "\(dump.file): nothing of the dump's pattern fits into vm.memory"
      )
    }
    try layOut(laidOut, from: dump.file)
  }
}
