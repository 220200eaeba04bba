// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// A JSON value, with true and false apart from numbers.
enum JSONValue: Decodable, Hashable {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([JSONValue].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: JSONValue].self))
    }
  }

  init(_ text: String) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  var object: [String: JSONValue]? { if case .object(let object) = self { object } else { nil } }
  var list: [JSONValue]? { if case .list(let list) = self { list } else { nil } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  var number: Double? { if case .number(let number) = self { number } else { nil } }
}

/// The part of JSON Schema (2020-12) that `docs/schemas` uses; any other keyword is a problem.
struct JSONSchema {
  let root: JSONValue

  private static let known: Set<String> = [
    "$schema", "$defs", "$ref", "title", "description", "type", "const", "enum", "required",
    "properties", "additionalProperties", "items", "minimum", "maximum",
  ]

  /// What of a value does not go with the schema, each with its place.
  func problems(of value: JSONValue) -> [String] { problems(of: value, root, at: "") }

  private func problems(of value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
    guard let form = schema.object else { return ["\(place): its schema is no object"] }
    var found = form.keys.filter { !Self.known.contains($0) }.sorted()
      .map { "\(place): keyword \($0)" }
    if let name = form["$ref"]?.text?.split(separator: "/").last {
      guard let target = root.object?["$defs"]?.object?[String(name)] else {
        return found + ["\(place): no definition \(name)"]
      }
      found += problems(of: value, target, at: place)
    }
    let types = form["type"]?.list?.compactMap(\.text) ?? []
    if !types.isEmpty, !types.contains(where: { Self.isOf($0, value) }) {
      found.append("\(place): none of \(types)")
    }
    if let type = form["type"]?.text, !Self.isOf(type, value) {
      found.append("\(place): no \(type)")
    }
    if let only = form["const"], only != value { found.append("\(place): not \(only)") }
    if let words = form["enum"]?.list, !words.contains(value) {
      found.append("\(place): \(value) is none of the words")
    }
    if let number = value.number {
      if let least = form["minimum"]?.number, number < least { found.append("\(place): too small") }
      if let most = form["maximum"]?.number, number > most { found.append("\(place): too large") }
    }
    for (index, element) in (value.list ?? []).enumerated() {
      guard let items = form["items"] else { break }
      found += problems(of: element, items, at: "\(place)[\(index)]")
    }
    return found + members(of: value, form, at: place)
  }

  private func members(
    of value: JSONValue,
    _ form: [String: JSONValue],
    at place: String
  ) -> [String] {
    guard let object = value.object, let properties = form["properties"]?.object else { return [] }
    var found = (form["required"]?.list ?? []).compactMap(\.text).filter { object[$0] == nil }
      .map { "\(place).\($0) is missing" }
    for (key, member) in object.sorted(by: { $0.key < $1.key }) {
      if let own = properties[key] {
        found += problems(of: member, own, at: "\(place).\(key)")
      } else if form["additionalProperties"] == .flag(false) {
        found.append("\(place).\(key) is not described")
      }
    }
    return found
  }

  private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
    switch (type, value) {
    case ("object", .object), ("array", .list), ("string", .text), ("boolean", .flag),
      ("number", .number), ("null", .null):
      true
    case ("integer", .number(let number)): number == number.rounded()
    default: false
    }
  }
}
