"""Drafts for the Dutch Algoritmeregister. It is about applications, which people describe; a draft is never sent."""
