// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation
import Observations
import Quantities

extension CostModel {
  /// The model as JSON: sorted keys, lists of numbers on one line, the same bytes for equal
  /// models.
  package func json() throws(CostModelError) -> Data {
    do {
      return Data((CompactLists.fold(try JSON.text(self)) + "\n").utf8)
    } catch {
      throw .malformed(file: origin.name, reason: "a value in it is not finite")
    }
  }

  /// Reads a model.
  ///
  /// - Parameters:
  ///   - data: The file's bytes.
  ///   - file: The file's name, for messages.
  ///   - simulator: The simulator's version whose runs the model must have been fitted to.
  /// - Throws: `malformed`, or `version` with what was found and what is read.
  package init(json data: Data, file: String, simulator: String) throws(CostModelError) {
    let decoder = JSONDecoder()
    let head: Head
    do {
      head = try decoder.decode(Head.self, from: data)
    } catch {
      throw .malformed(file: file, reason: decodingProblem(error))
    }
    try head.validate(file: file, simulator: simulator)
    do {
      self = try decoder.decode(CostModel.self, from: data)
    } catch {
      throw .malformed(file: file, reason: decodingProblem(error))
    }
    try validateShape(file: file)
  }

  /// Refuses lists whose lengths do not fit each other.
  private func validateShape(file: String) throws(CostModelError) {
    for model in models {
      let (process, axes) = (model.process, model.space.axes)
      let fits =
        process.inverseLengths.count == axes.count
        && process.weights.count == process.inducing.count
        && process.errorWeights.count == process.inducing.count
        && process.inducing.dimensions == axes.count
        && axes.allSatisfy { $0.deviation > 0 }
        && model.conformal.quantiles.count == Conformal.levels.count
        && model.domain.ranges.map(\.feature) == Feature.allCases
      guard fits else {
        throw .malformed(
          file: file,
          reason: "the lists of \(model.response.rawValue) do not fit each other"
        )
      }
    }
  }
}

/// What is read of a file before anything else, so that another version is named as such.
private struct Head: Decodable {
  let schema: Int
  let featureSet: String
  let origin: ModelOrigin

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case featureSet = "feature_set"
    case origin
  }

  func validate(file: String, simulator: String) throws(CostModelError) {
    guard schema == CostModel.schemaVersion else {
      throw .version(
        file: file,
        quantity: "schema version",
        found: "\(schema)",
        expected: "\(CostModel.schemaVersion)"
      )
    }
    guard featureSet == Feature.setDigest else {
      throw .version(
        file: file,
        quantity: "feature set",
        found: featureSet,
        expected: Feature.setDigest
      )
    }
    guard origin.simulator == simulator else {
      throw .version(
        file: file,
        quantity: "simulator",
        found: origin.simulator,
        expected: simulator
      )
    }
  }
}

/// Pretty-printed JSON with each list of numbers on one line.
enum CompactLists {
  /// Folds every innermost list that holds neither objects nor texts.
  static func fold(_ text: String) -> String {
    var result: [UInt8] = []
    var list: [UInt8]?
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "["):
        if let open = list { result += open }
        list = [byte]
      case UInt8(ascii: "]"):
        if var open = list {
          open.append(byte)
          result += folded(open)
          list = nil
        } else {
          result.append(byte)
        }
      case UInt8(ascii: "{"), UInt8(ascii: "\""):
        if let open = list { result += open }
        list = nil
        result.append(byte)
      default:
        if list == nil { result.append(byte) } else { list?.append(byte) }
      }
    }
    return String(decoding: result + (list ?? []), as: UTF8.self)
  }

  private static func folded(_ list: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in list where byte != UInt8(ascii: "\n") && byte != UInt8(ascii: " ") {
      result.append(byte)
      if byte == UInt8(ascii: ",") { result.append(UInt8(ascii: " ")) }
    }
    return result
  }
}
