/** Imported before oclif, which asks about the user when it is loaded. */
import { standIn } from '../program/home.js';

standIn();
