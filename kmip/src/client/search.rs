//! Finding objects, at once or page by page.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::types::{
    Attribute, AttributeReference, Attributes, CryptographicAlgorithm, GetAttributesRequest,
    LocateRequest, LocateResponse, ObjectType, ProtocolVersion, State, UniqueIdentifier,
};

use super::batch::ItemResult;
use super::blocking::Client;
use super::error::Error;
use super::methods::{ask, client_methods, question};
use super::new_key::named;

/// What objects are to be like (Locate). All conditions have to hold.
///
/// ```no_run
/// use kmip::client::Search;
/// use kmip::types::{ObjectType, State};
///
/// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
/// let active = Search::new().object_type(ObjectType::SYMMETRIC_KEY).state(State::ACTIVE);
/// for key in client.search(active) {
///     println!("{:?}", key?);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search<'a> {
    attributes: Attributes<'a>,
    page: Option<u16>,
    maximum: Option<usize>,
}

impl<'a> Search<'a> {
    /// All objects.
    pub fn new() -> Self {
        Search::default()
    }

    /// With this name.
    #[must_use]
    pub fn name(self, name: impl Into<Cow<'a, str>>) -> Self {
        self.attribute(named(name))
    }

    /// Of this type.
    #[must_use]
    pub fn object_type(self, object_type: ObjectType) -> Self {
        self.attribute(Attribute::object_type(object_type))
    }

    /// In this state.
    #[must_use]
    pub fn state(self, state: State) -> Self {
        self.attribute(Attribute::state(state))
    }

    /// For this algorithm.
    #[must_use]
    pub fn algorithm(self, algorithm: CryptographicAlgorithm) -> Self {
        self.attribute(Attribute::cryptographic_algorithm(algorithm))
    }

    /// With this attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: Attribute<'a>) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// At most so many.
    #[must_use]
    pub fn at_most(mut self, objects: usize) -> Self {
        self.maximum = Some(objects);
        self
    }

    /// Asks for so many at a time, for servers that limit the number or size of answers. Before
    /// KMIP 1.3, which brought Offset Items, everything is asked for at once; so it is by default.
    #[must_use]
    pub fn page(mut self, objects: u16) -> Self {
        self.page = Some(objects);
        self
    }
}

/// The pages of a search. Does no I/O.
#[derive(Debug)]
pub(super) struct Paging<'a> {
    search: Search<'a>,
    offset: usize,
    seen: HashSet<UniqueIdentifier<'static>>,
    done: bool,
}

impl<'a> Paging<'a> {
    pub(super) fn new(search: Search<'a>) -> Self {
        Paging {
            search,
            offset: 0,
            seen: HashSet::new(),
            done: false,
        }
    }

    /// The request for the next page, if there may be one.
    pub(super) fn next(&mut self, version: ProtocolVersion) -> Option<LocateRequest<'a>> {
        if self.done || self.left() == Some(0) {
            return None;
        }
        if version < ProtocolVersion::V1_3 {
            self.search.page = None;
        }
        let page = self.page();
        let most = match (page, self.left()) {
            (Some(page), Some(left)) => Some(page.min(left)),
            (page, left) => page.or(left),
        };
        Some(LocateRequest {
            maximum_items: most.and_then(|most| i32::try_from(most).ok()),
            offset_items: i32::try_from(self.offset).ok().filter(|offset| *offset > 0),
            attributes: self.search.attributes.clone(),
            ..LocateRequest::default()
        })
    }

    /// The objects of a page that were not on one before.
    pub(super) fn take(
        &mut self,
        answer: LocateResponse<'static>,
    ) -> Vec<UniqueIdentifier<'static>> {
        let left = self.left().unwrap_or(usize::MAX);
        let mut found = answer.unique_identifier;
        let full = self.page().is_some_and(|page| found.len() >= page);
        self.offset += found.len();
        if self.search.page.is_some() {
            // A server that does not know the offset begins again.
            found.retain(|object| self.seen.insert(object.clone()));
        }
        found.truncate(left);
        if let Some(maximum) = &mut self.search.maximum {
            *maximum -= found.len();
        }
        self.done = !full || found.is_empty();
        found
    }

    fn page(&self) -> Option<usize> {
        self.search.page.filter(|page| *page > 0).map(usize::from)
    }

    fn left(&self) -> Option<usize> {
        self.search.maximum
    }
}

client_methods! {
    /// Finds the objects that have all these attributes (Locate), at most `maximum` if given.
    ///
    /// # Errors
    /// If the server refuses it.
    fn locate['a](
        &mut self,
        attributes: impl Into<Attributes<'a>> + Send + 'a,
        maximum: impl Into<Option<i32>> + Send + 'a,
    ) -> Vec<UniqueIdentifier<'static>> {
        let request = LocateRequest {
            maximum_items: maximum.into(),
            attributes: attributes.into(),
            ..LocateRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Finds all objects that have all these attributes, `page` of them at a time (Locate), for
    /// servers that limit the number or size of answers. Before KMIP 1.3, which brought Offset
    /// Items, everything is asked for at once.
    ///
    /// # Errors
    /// If the server refuses it.
    fn locate_all['a](
        &mut self,
        attributes: impl Into<Attributes<'a>> + Send + 'a,
        page: u16,
    ) -> Vec<UniqueIdentifier<'static>> {
        let attributes: Attributes<'a> = attributes.into();
        let search = attributes.into_iter().fold(Search::new(), Search::attribute);
        let mut paging = Paging::new(search.page(page));
        let mut found = Vec::new();
        while let Some(request) = paging.next(self.version()) {
            found.extend(paging.take(ask!(self, request)?));
        }
        Ok(found)
    }

    /// Finds objects and reads these attributes of each, or all if none are named: one Locate (or
    /// one for each page), and Get Attributes in batches. An object that is gone in the meantime
    /// has an error.
    ///
    /// ```no_run
    /// # use kmip::client::Search;
    /// # use kmip::types::Tag;
    /// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
    /// for (key, attributes) in client.list(Search::new(), [Tag::NAME.into(), Tag::STATE.into()])? {
    ///     println!("{key:?}: {:?}", attributes?.state());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the server refuses the search, or a message cannot be sent.
    fn list['a](
        &mut self,
        search: Search<'a>,
        attributes: impl IntoIterator<Item = AttributeReference<'a>> + Send + 'a,
    ) -> Vec<(UniqueIdentifier<'static>, ItemResult<Attributes<'static>>)> {
        let attributes: Vec<AttributeReference<'a>> = attributes.into_iter().collect();
        let mut paging = Paging::new(search);
        let mut objects = Vec::new();
        while let Some(request) = paging.next(self.version()) {
            objects.extend(paging.take(ask!(self, request)?));
        }
        let mut replies = Vec::with_capacity(objects.len());
        let mut requests = Vec::with_capacity(objects.len());
        for object in &objects {
            let (request, reply) = question(GetAttributesRequest {
                unique_identifier: Some(object.clone()),
                attribute_reference: attributes.clone(),
                ..GetAttributesRequest::default()
            });
            requests.push(request);
            replies.push(reply);
        }
        let answers = self.all(requests).await?;
        let read = replies.iter().zip(answers).map(|(reply, answer)| {
            reply.of(answer, &self.session).map(|read| read.attributes)
        });
        Ok(objects.into_iter().zip(read).collect())
    }
}

/// The objects that a search finds; a page is asked for when it is needed. After an error it ends.
#[derive(Debug)]
pub struct Objects<'c, 'a> {
    client: &'c mut Client,
    paging: Paging<'a>,
    page: std::vec::IntoIter<UniqueIdentifier<'static>>,
}

impl Client {
    /// Finds objects; a page is asked for when the iterator comes to it. See [`Search::page`].
    pub fn search<'a>(&mut self, search: Search<'a>) -> Objects<'_, 'a> {
        Objects {
            client: self,
            paging: Paging::new(search),
            page: Vec::new().into_iter(),
        }
    }
}

impl Iterator for Objects<'_, '_> {
    type Item = Result<UniqueIdentifier<'static>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(object) = self.page.next() {
                return Some(Ok(object));
            }
            let request = self.paging.next(self.client.version())?;
            match self.client.call(request) {
                Ok(answer) => self.page = self.paging.take(answer).into_iter(),
                Err(error) => {
                    self.paging.done = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(feature = "tokio")]
pub(super) mod asynchronous {
    //! The same without blocking.

    use super::{Error, Paging, Search, UniqueIdentifier};
    use crate::client::AsyncClient;

    /// The objects that a search finds; a page is asked for when it is needed. After an error it
    /// ends. When the future of a page is dropped, that page is asked for again.
    #[derive(Debug)]
    pub struct AsyncObjects<'c, 'a> {
        client: &'c mut AsyncClient,
        paging: Paging<'a>,
        page: std::vec::IntoIter<UniqueIdentifier<'static>>,
    }

    impl AsyncClient {
        /// Finds objects; a page is asked for when it is needed. See [`Search::page`].
        ///
        /// ```no_run
        /// # use kmip::client::Search;
        /// # async fn example(client: &mut kmip::client::AsyncClient)
        /// # -> Result<(), kmip::client::Error> {
        /// let mut keys = client.search(Search::new().page(100));
        /// while let Some(key) = keys.next().await {
        ///     println!("{:?}", key?);
        /// }
        /// # Ok(()) }
        /// ```
        pub fn search<'a>(&mut self, search: Search<'a>) -> AsyncObjects<'_, 'a> {
            AsyncObjects {
                client: self,
                paging: Paging::new(search),
                page: Vec::new().into_iter(),
            }
        }
    }

    impl AsyncObjects<'_, '_> {
        /// The next object.
        pub async fn next(&mut self) -> Option<Result<UniqueIdentifier<'static>, Error>> {
            loop {
                if let Some(object) = self.page.next() {
                    return Some(Ok(object));
                }
                let request = self.paging.next(self.client.version())?;
                match self.client.call(request).await {
                    Ok(answer) => self.page = self.paging.take(answer).into_iter(),
                    Err(error) => {
                        self.paging.done = true;
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
