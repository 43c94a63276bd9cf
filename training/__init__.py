"""The training workshop: recipes, data, `model.fit`, and the run folder they leave."""
