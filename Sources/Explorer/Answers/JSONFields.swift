// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities

/// A JSON value as a client sent it; numbers without a fraction keep all their digits.
enum JSONField: Decodable, Hashable, Sendable {
  case null
  case flag(Bool)
  case whole(UInt64)
  case number(Double)
  case text(String)
  case list([JSONField])
  case object([String: JSONField])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let whole = try? value.decode(UInt64.self) {
      self = .whole(whole)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let list = try? value.decode([JSONField].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: JSONField].self))
    }
  }

  /// The value in a few words, for a refusal.
  var words: String {
    switch self {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .whole(let whole): "\(whole)"
    case .number(let number): "\(number)"
    case .text(let text): "'\(text.prefix(60))'"
    case .list: "a list"
    case .object: "an object"
    }
  }
}

/// A request's body: an object whose keys are all known, read key by key.
struct JSONFields: Sendable {
  private let fields: [String: JSONField]
  /// Where the object stands, for refusals: empty for the body itself.
  private let place: String

  /// Reads a body; refuses what is no object, and keys that are not legal.
  init(_ body: Data, legal: [String]) throws(Refused) {
    let value: JSONField
    do {
      value = try JSONDecoder().decode(JSONField.self, from: body)
    } catch {
      throw Refused(
        .badRequest,
        body.isEmpty
          ? "the body is empty; send a JSON object"
          : "the body is not JSON; send an object such as {\"workload\": \"container-churn\"}"
      )
    }
    try self.init(value, at: "", legal: legal)
  }

  private init(_ value: JSONField, at place: String, legal: [String]) throws(Refused) {
    guard case .object(let fields) = value else {
      let name = place.isEmpty ? "the body" : "'\(place)'"
      throw Refused(.badRequest, "\(name) is \(value.words); write an object")
    }
    (self.fields, self.place) = (fields, place)
    for key in fields.keys.sorted() where !legal.contains(key) {
      throw Refused(
        .badRequest,
        "the key '\(name(key).prefix(80))' is not legal here; write one of "
          + legal.joined(separator: ", ") + didYouMean(key, among: legal)
      )
    }
  }

  private func name(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

  private func refused(_ key: String, _ value: JSONField, _ legal: String) -> Refused {
    Refused(.badRequest, "'\(name(key))' is \(value.words); write \(legal)")
  }

  /// The value of a key; nil where it is missing or null.
  private func value(_ key: String) -> JSONField? {
    guard let value = fields[key], value != .null else { return nil }
    return value
  }

  /// Whether a key has a value.
  func has(_ key: String) -> Bool { value(key) != nil }

  /// A text; nil where it is missing.
  func text(_ key: String) throws(Refused) -> String? {
    guard let value = value(key) else { return nil }
    guard case .text(let text) = value else { throw refused(key, value, "a text") }
    return text
  }

  /// A text that must be there.
  func requiredText(_ key: String, _ legal: String) throws(Refused) -> String {
    guard let text = try text(key) else {
      throw Refused(.badRequest, "'\(name(key))' is missing; write \(legal)")
    }
    return text
  }

  /// Yes or no; no where it is missing.
  func flag(_ key: String) throws(Refused) -> Bool {
    guard let value = value(key) else { return false }
    guard case .flag(let flag) = value else { throw refused(key, value, "true or false") }
    return flag
  }

  /// A whole number of a range; nil where it is missing.
  func whole(_ key: String, _ range: ClosedRange<UInt64>) throws(Refused) -> UInt64? {
    guard let value = value(key) else { return nil }
    guard case .whole(let whole) = value, range.contains(whole) else {
      throw refused(
        key,
        value,
        "a whole number from \(range.lowerBound) to \(range.upperBound)"
      )
    }
    return whole
  }

  /// A number; nil where it is missing.
  func number(_ key: String) throws(Refused) -> Double? {
    switch value(key) {
    case nil: return nil
    case .number(let number)?: return number
    case .whole(let whole)?: return Double(whole)
    case let value?: throw refused(key, value, "a number")
    }
  }

  /// Texts, at most so many; none where the key is missing.
  ///
  /// One text is a list of one.
  func texts(_ key: String, most: Int) throws(Refused) -> [String] {
    guard let value = value(key) else { return [] }
    if case .text(let text) = value { return [text] }
    guard case .list(let list) = value, list.count <= most else {
      throw refused(key, value, "a list of at most \(most) texts")
    }
    return try list.map { one throws(Refused) in
      guard case .text(let text) = one else { throw refused(key, one, "a list of texts") }
      return text
    }
  }

  /// An object with these keys; nil where it is missing.
  func object(_ key: String, legal: [String]) throws(Refused) -> JSONFields? {
    guard let value = value(key) else { return nil }
    return try JSONFields(value, at: name(key), legal: legal)
  }

  /// Objects with these keys, at most so many; none where the key is missing.
  func objects(_ key: String, legal: [String], most: Int) throws(Refused) -> [JSONFields] {
    guard let value = value(key) else { return [] }
    guard case .list(let list) = value, list.count <= most else {
      throw refused(key, value, "a list of at most \(most) objects")
    }
    return try list.enumerated().map { place, one throws(Refused) in
      try JSONFields(one, at: "\(name(key))[\(place)]", legal: legal)
    }
  }
}
