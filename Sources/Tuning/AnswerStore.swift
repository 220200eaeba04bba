// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation
import Policies
import Profiles

/// Verified answers on disk, one file a question; a file is never half written.
///
/// The key covers everything an answer depends on: all values of the three profiles, limits,
/// knobs, budget, confidence, seed, and the identities of the model and the simulator. A changed
/// profile or a new model therefore finds nothing and is answered anew.
public struct AnswerStore: Sendable {
  /// Directories that are searched, the first one is written to.
  public let directories: [URL]

  /// Creates a store; the first directory is made where it does not exist and is written to.
  public init(directories: [URL]) { self.directories = directories }

  /// The key of a question: 32 hexadecimal digits.
  ///
  /// `engine` names what answers: the model's digest and the simulator's version.
  public static func key(_ question: Question, engine: String) -> String {
    let limits = question.limits.map(\.description).joined(separator: ",")
    let parts = [
      "\(question.host)", "\(question.kernel)", "\(question.workload)",
      question.presentPolicy.description, question.goal.rawValue, limits,
      question.knobs.rawValue, "\(question.budget)", "\(question.confidence)",
      "\(question.seed)", "\(question.thinning)", engine, "\(Recommendation.schemaVersion)",
    ]
    let text = parts.joined(separator: "\u{1F}")
    return hexadecimal(fnv(text, 0xCBF2_9CE4_8422_2325))
      + hexadecimal(fnv(text, 0x6C62_272E_07BB_0142))
  }

  /// The stored answer to a question, or nil where there is none.
  ///
  /// Throws `badStore` for a file that does not hold an answer of this version.
  public func answer(_ key: String) throws(TuningError) -> Recommendation? {
    let files = directories.map { $0.appendingPathComponent("\(key).json") }
    guard let file = files.first(where: { FileManager.default.fileExists(atPath: $0.path) })
    else { return nil }
    do {
      let answer = try Self.decoder.decode(Recommendation.self, from: Data(contentsOf: file))
      guard answer.schema == Recommendation.schemaVersion else {
        throw TuningError.badStore(
          file: file.path,
          problem: "schema version \(answer.schema); this program reads "
            + "\(Recommendation.schemaVersion)"
        )
      }
      return answer
    } catch let error as TuningError {
      throw error
    } catch {
      throw .badStore(file: file.path, problem: "\(error)")
    }
  }

  /// Stores an answer under a key, replacing an older one at once.
  public func save(_ answer: Recommendation, key: String) throws(TuningError) {
    guard let directory = directories.first else { return }
    let file = directory.appendingPathComponent("\(key).json")
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      try Self.json(answer).write(to: file, options: .atomic)
    } catch {
      throw .badStore(file: file.path, problem: "cannot be written: \(error)")
    }
  }

  /// An answer as the bytes that are stored: sorted keys, equal for equal answers.
  public static func json(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf",
      negativeInfinity: "-inf",
      nan: "nan"
    )
    return try encoder.encode(value) + Data("\n".utf8)
  }

  /// The decoder that reads what `json` writes, infinities included.
  static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf",
      negativeInfinity: "-inf",
      nan: "nan"
    )
    return decoder
  }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func fnv(_ text: String, _ basis: UInt64) -> UInt64 {
    text.utf8.reduce(basis) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }
}
