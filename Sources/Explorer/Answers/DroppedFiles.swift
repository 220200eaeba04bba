// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import Observations
import Operations
import PageTables
import Profiles
import Quantities
import Synchronization

/// A file that was sent with a request: its name, which is only shown, and its text.
struct SentFile: Hashable, Sendable {
  let name: String
  let text: String

  /// The keys of the object that holds it.
  static let keys = ["name", "text", "digest"]

  init(name: String, text: String) { (self.name, self.text) = (name, text) }

  /// Reads the object; a digest alone names a file that was sent before.
  init(_ fields: JSONFields, _ kept: KeptFiles) throws(Refused) {
    let digest = try fields.text("digest")
    guard let text = try fields.text("text") else {
      guard let digest else {
        throw Refused(.badRequest, "a file has neither 'text' nor 'digest'; write one of them")
      }
      guard let file = kept.file(digest) else {
        throw Refused(
          .conflict,
          "no file with the digest '\(digest.prefix(40))' is kept here any more; send its text"
        )
      }
      self = file
      return
    }
    let name = try fields.text("name") ?? "dropped file"
    // A name is shown, and never leads to a file.
    self.init(name: String(name.split(separator: "/").last ?? "dropped file"), text: text)
  }

  /// What names the file's content: it tells files apart and guards nothing.
  var digest: String { Digest.wide(of: text) }
}

/// The files that were dropped last, in memory alone, so that a move of a slider need not send them.
final class KeptFiles: Sendable {
  private let files = Mutex<[(digest: String, file: SentFile)]>([])

  /// Files and bytes that are kept at most.
  private static let (most, mostBytes) = (16, 32 << 20)

  /// Keeps a file; the oldest go where there are too many.
  func keep(_ file: SentFile) -> String {
    let digest = file.digest
    files.withLock { files in
      files.removeAll { $0.digest == digest }
      files.append((digest, file))
      while files.count > Self.most
        || files.reduce(0, { $0 + $1.file.text.utf8.count }) > Self.mostBytes
      {
        files.removeFirst()
      }
    }
    return digest
  }

  /// A file that was kept.
  func file(_ digest: String) -> SentFile? {
    files.withLock { files in files.first { $0.digest == digest }?.file }
  }
}

/// What files that were sent say together, as `--observed` reads them.
struct SentRecordings: Sendable {
  /// The files, snapshots of a counter together.
  let files: [Recording]
  /// What they set, each key once.
  let settings: [LoadedSetup.Change]

  /// Reads files; two that contradict each other are of two machines, and refused.
  init(_ sent: [SentFile]) throws {
    files = RecordingFile.gather(
      try sent.map { try RecordingFile.read($0.text, named: $0.name) }
    )
    var found: [(file: String, setting: Recording.Setting)] = []
    for file in files {
      for setting in file.settings {
        guard let other = found.first(where: { $0.setting.key == setting.key }) else {
          found.append((file.file, setting))
          continue
        }
        guard other.setting.value == setting.value else {
          throw Refused(
            .badRequest,
            "\(file.file): \(setting.key)=\(setting.value), and \(other.file) says "
              + "\(other.setting.value): two machines or two times; leave one of the files out"
          )
        }
      }
    }
    settings = found.map { ($0.setting.key, $0.setting.value) }
  }
}

extension LoadedSetup {
  /// Gives the guest the mix of leaves and holes of a dump, as `--stage2-dump` does.
  mutating func layOut(_ file: SentFile) throws {
    let (granule, memory) = (host.profile.granule, workload.profile.memory)
    let dump = try Stage2Dump(parsing: file.text.utf8, file: file.name, granule: granule)
    if let reason = dump.contradiction(ipaBits: memory.ipaBits) {
      let way =
        dump.fittingBits.map { "set vm.ipa_bits to \($0)" }
        ?? "no width of IPA fits it; set the page size to the host's"
      throw Refused(.badRequest, "\(file.name): \(reason); \(way)")
    }
    guard dump.pattern != nil else {
      throw Refused(
        .badRequest,
        "\(file.name): the dump maps no memory; take it while the guest runs"
      )
    }
    let laidOut = try dump.tiled(
      to: memory.size,
      at: memory.base,
      StageTwoGeometry(granule: granule, ipaBits: memory.ipaBits)
    )
    guard laidOut.mappedBytes > .zero else {
      throw Refused(
        .badRequest,
        "\(file.name): nothing of the dump's pattern fits into vm.memory"
      )
    }
    try layOut(laidOut, from: file.name)
  }
}
