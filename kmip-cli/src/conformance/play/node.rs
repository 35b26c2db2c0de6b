//! Messages as nested elements.

use kmip::conformance::{Element, Tree};

/// How deep elements may lie: a stack of calls goes down to them.
const DEEPEST: usize = 200;

/// An element of a message with those in it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) item_type: String,
    pub(super) value: Option<String>,
    pub(super) children: Vec<Node>,
}

impl Node {
    /// Reads a message.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let tree = Tree::parse(text).map_err(|error| error.to_string())?;
        if tree
            .elements()
            .iter()
            .any(|element| element.depth > DEEPEST)
        {
            return Err(format!(
                "there are more than {DEEPEST} elements in each other"
            ));
        }
        let mut elements = tree.elements().iter().peekable();
        let mut roots = siblings(&mut elements, 0);
        // A tree without elements says nothing.
        let nothing = Node {
            name: String::new(),
            item_type: String::new(),
            value: None,
            children: Vec::new(),
        };
        Ok(roots.drain(..).next().unwrap_or(nothing))
    }

    /// The first element in this one with a name.
    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements in this one with a name.
    pub(super) fn named<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The value of the element in this one with a name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.child(name)?.value.as_deref()
    }

    /// What tells elements with the same parent apart: the name, and of an attribute of KMIP 1.x also
    /// the name of the attribute.
    pub(super) fn label(&self) -> String {
        match self.text("AttributeName") {
            Some(attribute) if self.name == "Attribute" => format!("Attribute[{attribute}]"),
            _ => self.name.clone(),
        }
    }

    /// Calls `visit` with this element and all those in it.
    pub(super) fn walk<'n>(&'n self, visit: &mut impl FnMut(&'n Node)) {
        visit(self);
        for child in &self.children {
            child.walk(visit);
        }
    }
}

fn siblings<'e>(
    elements: &mut std::iter::Peekable<impl Iterator<Item = &'e Element>>,
    depth: usize,
) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some(element) = elements.next_if(|element| element.depth == depth) {
        nodes.push(Node {
            name: element.name.clone(),
            item_type: element.item_type.clone(),
            value: match (&*element.name, &element.value) {
                // Documents break long names of attributes.
                ("AttributeName", Some(value)) => Some(single_spaced(value)),
                (_, value) => value.clone(),
            },
            children: siblings(elements, depth + 1),
        });
    }
    nodes
}

/// A text with one blank where there are several.
pub(super) fn single_spaced(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
