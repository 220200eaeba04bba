// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

#if canImport(FoundationXML)
public import FoundationXML
#endif

/// A page or a picture as an XML parser reads it.
public final class XMLPage: NSObject, XMLParserDelegate {
  /// The elements in their order.
  public private(set) var elements: [(name: String, attributes: [String: String])] = []
  /// What a reader sees: the text outside of scripts and styles.
  public private(set) var text = ""
  /// Whether the parser took all of it.
  public private(set) var isWellFormed = false
  private var open: [String] = []

  /// Parses a text.
  public init(_ text: String) {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    isWellFormed = parser.parse()
  }

  /// Elements of a name.
  public func count(_ name: String) -> Int { elements.count { $0.name == name } }

  /// Numbers of an attribute of all elements of a name.
  public func numbers(_ name: String, _ attribute: String) -> [Double] {
    elements.filter { $0.name == name }.compactMap {
      $0.attributes[attribute].flatMap(Double.init)
    }
  }

  /// What attributes refer to, and `handler` for each that would run something.
  public var links: [String] {
    elements.flatMap { _, attributes in
      attributes.compactMap { key, value in
        if ["href", "src", "xlink:href"].contains(key) { return value }
        return key.hasPrefix("on") ? "handler" : nil
      }
    }
  }

  /// An element begins.
  public func parser(
    _ parser: XMLParser,
    didStartElement name: String,
    namespaceURI: String?,
    qualifiedName: String?,
    attributes: [String: String] = [:]
  ) {
    open.append(name)
    elements.append((name, attributes))
  }

  /// An element ends.
  public func parser(
    _ parser: XMLParser,
    didEndElement name: String,
    namespaceURI: String?,
    qualifiedName: String?
  ) { open.removeLast() }

  /// Text within an element; that of scripts and styles is none of the page.
  public func parser(_ parser: XMLParser, foundCharacters string: String) {
    if open.last != "script", open.last != "style" { text += string }
  }
}
